/// What `skein-demo --help` prints: one screen.
enum Help {
    static let text = """
        Usage: skein-demo run [--skeind PATH] [OPTION]...   all of it, and what happened
               skein-demo catalogue|storefront|drive [OPTION]...   one part of it

        run         --skeind PATH  start this collector; else one that runs is used
          --data DIR   its data, and the services' (./skein-data)
          --control --collect --deliver --stream HOST:PORT  its ports; 0: any
          --endpoint HOST:PORT --control HOST:PORT --log-path DIR  the one that runs
          --requests N, -n N  how many (3000)   --threads N  how many at a time (4)
          --seed N     other requests (1)       --skein PATH  the tool (beside this)
          --storefront HOST:PORT --catalogue HOST:PORT  the services (free ports)
          --status-file PATH  the package database (/var/lib/dpkg/status)
          On a terminal it stays until Ctrl-C; else it ends by itself.
        catalogue   /packages?q=, /packages/NAME, /dependencies?package=
          --listen HOST:PORT  --status-file PATH  --database FILE
        storefront  /search?q=, /package/NAME, /depends/NAME?depth=
          --listen HOST:PORT  --catalogue URL
          both: --endpoint ENDPOINT --spool DIR --until-stdin-closes; SKEIN_*
        drive       --url URL  --requests N  --threads N  --seed N

          -h, --help   this      -V, --version  the version
        Exit status: 0 done, 1 something did not work, 2 wrong use.

        """
}
