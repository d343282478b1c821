/// What `skeind --help` prints: it fits a screen of 24 lines of 80 characters.
enum HelpText {
    static let help = """
        Usage: skeind [OPTION]...
        Collects events; keeps them in files, streams them, sends them on.

          -t, --control ADDRESS    requests and status (127.0.0.1:3513)
          -c, --collect ADDRESS    events of PUSH clients; repeatable (127.0.0.1:3514)
              --deliver ADDRESS    acknowledged batches (127.0.0.1:3515)
              --stream ADDRESS     live stream (the control host, any free port)
          -r, --forward ENDPOINT   also send all events to this collector; repeatable
          -l, --log-path DIR       event files by day and type (DATA/files)
              --spool DIR          deliver what dead apps left in this spool; repeatable
              --data DIR           journal, cursors, rejected events (./skein-data)
              --config FILE        YAML: flags win over SKEIND_... variables,
                                   those over the file, that over the defaults
              --check-config       print the configuration, or its mistake; then exit
              --curve-key FILE     secret key; then all ports are encrypted
              --curve-clients FILE public keys that may connect, one a line
              --insecure PORT      serve control, collect, deliver or stream to anybody
          -v, --verbose            say more than warnings
              --help, --version    print this, or the version; then exit

        ADDRESS is HOST:PORT; * is every interface, port 0 any free one. "none" turns
        deliver, stream, collect, log-path or forward off. SIGHUP reads the
        configuration again; SIGTERM and SIGINT drain and end.

        """
}
