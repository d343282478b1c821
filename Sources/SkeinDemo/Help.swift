/// What `skein-demo --help` prints: one screen.
enum Help {
    static let text = """
        Usage: skein-demo run [--skeind PATH] [options]      the whole demo, then what happened
               skein-demo catalogue|storefront|drive [options]   one part of it

        run
          --skeind PATH       start this collector; without it one that runs is used
          --data DIR          its data, and the services' (./skein-data)
          --control --collect --deliver --stream HOST:PORT   where it listens; port 0: a free one
          --endpoint HOST:PORT, --control HOST:PORT, --log-path DIR   the collector that runs already
          --requests N, -n N  how many requests (3000)   --threads N  how many at a time (4)
          --seed N            other requests (1)         --skein PATH the tool (beside this program)
          --storefront HOST:PORT, --catalogue HOST:PORT  where the services listen (free ports)
          --status-file PATH  the package database (/var/lib/dpkg/status)
          On a terminal it stays until Ctrl-C; else it ends by itself.

        catalogue             knows the packages: /packages?q=, /packages/NAME, /dependencies?package=
          --listen HOST:PORT  --status-file PATH  --database FILE
        storefront            asks the catalogue: /search?q=, /package/NAME, /depends/NAME?depth=
          --listen HOST:PORT  --catalogue URL
          both: --endpoint ENDPOINT, --spool DIR, --until-stdin-closes; SKEIN_… variables
        drive                 sends requests
          --url URL  --requests N  --threads N  --seed N

        Exit status: 0 done, 1 something did not work, 2 wrong use.

        """
}
