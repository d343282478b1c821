import SkeinPlatform

/// What `--help` says. Each fits a screen of 24 lines by 80 columns.
enum Help {
    static let version = "skein \(SkeinVersion.current)"

    static let tool = """
        Usage: skein [-H HOST:PORT] VERB [OPTION]...

        Looks at events, and at the daemon (skeind) that collects them.

          view      show events: live, stored, or from standard input
          ctl       ask the daemon: status, flush, rotate, reload, forget, shutdown
          archive   stored files: zip, prune, cat
          ingest    lines of a pipe or of log files become events
          journal   what an app's spool or a collector still holds: inspect, repair
          keygen    make a pair of CURVE keys

          -H, --host HOST:PORT   the daemon's control port (127.0.0.1:3513);
                                 before or after the verb
          -h, --help             this, or with a verb the verb's options
          -V, --version          the version

        Exit codes: 0 done, 1 nothing found or something wrong in the data, 2 wrong use.

          skein view                               live, from the daemon on this machine
          skein view -n 'request*' --tree          live, as a waterfall for each request
          cat FILE... | skein view --json | jq .   events as JSON, one a line
        """

    static let view = """
        Usage: skein view [OPTION]... [FILE]...
        Shows events: of FILEs (- is standard input), of --log-path, of a pipe, or live.

          -H, --host HOST:PORT   live from the daemon there; default on a terminal:
                                 127.0.0.1:3513
          -l, --log-path DIR     stored files, DIR/YYYYMMDD/TYPE-YYYYMMDD.bson[.zst]
          -n, --type-name TYPE   only this type; * stands for anything; may be repeated
              --id ID            only the tree of this id; may be repeated
              --start-date DATE  events that ended then or later: YYYYMMDD[ HH:MM], UTC
              --end-date DATE    ... or before; a day or minute is meant to its end
          -f, --follow           go on when files grow (and when new ones come)
              --where EXPR       as 'level >= 40 or elapsed > 250ms'; may be repeated
              --group            gather events by id until their root has come
              --tree             as waterfalls: who called whom, when, how long
              --json             one event a line, relaxed Extended JSON; -p indents it
          -p, --pretty           every field on a line of its own
              --fields A,B.C     only these fields, separated by tabs
              --no-color         no colours (also: NO_COLOR=1)
          -h, --help             this; --curve-key, --curve-server: see skein ctl --help

        Control characters in events are shown escaped, never sent to the terminal.
        """

    static let control = """
        Usage: skein ctl [-H HOST:PORT] COMMAND [OPTION]...
        Asks a daemon, at its control port.

          status     what came and went: hosts, types, queues, the ledger
          flush      wait until everything that has arrived is in every outlet
          rotate     close the files being written, so that they can be moved
          reload     read the configuration again
          forget OUTLET  drop what waits for one that is no longer configured
          shutdown   drain and end

          -H, --host HOST:PORT   where (127.0.0.1:3513)
          -r, --json             the answer as one line of JSON (--raw is the same)
              --timeout SECONDS  how long to wait for the answer (5; flush 60)
              --curve-key FILE   our secret key, for a daemon that asks for keys
              --curve-server KEY and its public key, or a file with it
          -h, --help             this
        """

    static let archive = """
        Usage: skein archive zip|prune|cat [OPTION]... [TYPE]...
        Works on stored files, DIR/YYYYMMDD/TYPE-YYYYMMDD.bson.

          zip    compress files by zstd: .bson becomes .bson.zst. Today and yesterday
                 (UTC) are left alone; originals go when the result is verified
          prune  remove the folders of days older than --retain-days
          cat    write events as they are stored (BSON) to standard output

          -l, --log-path DIR     default: $SKEIND_LOG_PATH, else ./skein-data/files
              --start-date DATE  zip, cat: YYYYMMDD[ HH:MM], UTC
              --end-date DATE    ... inclusive (--start and --end are enough)
              --retain-days N    prune: keep N days before today
              --level N          zip: 1 (fast) to 19 (small), 6
              --open-days        zip: today and yesterday, too
              --dry-run          zip, prune: only say what would be done
          -h, --help             this

        TYPE as in view -n; none: all. Days that another process uses are left out.
        """

    static let journal = """
        Usage: skein journal inspect|repair [OPTION]... PATH
        PATH is a journal's folder, a spool (0/, 1/, ...), or a collector's data folder.

          inspect  show owner, segments, streams, cursors, open contexts and damage;
                   changes nothing, and may be used on what is in use
              --records          list the records instead
              --events           ... only events, one a line, as JSON
          repair   make a damaged journal whole, keeping every whole record. Refuses one
                   whose owner lives; leaves alone one that is whole. The old folder
                   stays, as PATH.damaged-TIME
              --discard          remove the old folder
              --dry-run          only say what would be done

              --json             one line of JSON for each journal (or record)
          -h, --help             this

        Exit codes: 0 whole, 1 damaged (after repair: something is missing), or no
        journal there; 2 wrong use.
        """

    static let ingest = """
        Usage: skein ingest [OPTION]... [TYPE]
        Makes an event of TYPE (line) of each line of standard input, or of files, and
        delivers it to a collector.

          -H, --host HOST:PORT   the daemon to deliver to (127.0.0.1:3513)
              --endpoint WHERE   or the port itself: deliver://HOST:3515, push://...
          -F, --follow TYPE:FILE lines of FILE as they are written, through rotation;
                                 may be repeated
              --from-start       a file not followed before: from its start, not its end
              --spool DIR        keep what is not acknowledged in DIR, over a kill
              --state FILE       keep how far files were read (DIR/positions)
              --match REGEX      named groups become fields: '(?<status>\\d+) (?<it>.*)';
                                 a__b is b inside a; what looks like a number is one
              --text GROUP       ... but not this one; may be repeated
              --json             each line is a JSON object: the body
              --service NAME     the service in the events
              --timeout SECONDS  how long to wait at the end (30)
          -h, --help             this

        Lines are cut at 64 KiB. Exit codes: 0 all delivered or in the spool, 1 not, or
        some lines were not as --match or --json says, 2 wrong use.
        """

    static let keygen = """
        Usage: skein keygen [FILE]
        Makes a pair of CURVE keys for ports that are reached over a network.

        Without FILE both keys are written to standard output, each after its name. With
        FILE the secret key goes to FILE, which only its owner can read, and the public
        key to FILE.pub. Neither file may be there yet. Keys are 40 characters of Z85.

          -h, --help             this
        """
}
