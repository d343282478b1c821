import Skein
import SkeinHTTP

/// The life of a service: events on, server on, one line that says where, then until a signal; the way back in the
/// opposite order.
enum ServiceRunner {
    static func run(
        _ options: ServiceOptions, name: String, signals: StopSignals,
        makeHandler: () throws -> (handler: HTTPServer.Handler, detail: String)
    ) throws {
        do {
            try EventSystem.bootstrap(options.pipeline)
        } catch {
            throw error.code == .invalidValue ? DemoError.usage(error.message) : .failed(error.message)
        }
        do {
            let (handler, detail) = try makeHandler()
            let server = try HTTPServer(.init(host: options.host, port: options.port, workers: 8)) {
                request in
                guard request.segments == ["flush"], request.method == "POST" else { return handler(request) }
                return flush()
            }
            if options.endsWithInput { try signals.raiseAtEndOfInput() }
            Output.line("\(name) listens on \(server.url) (\(detail))")
            signals.wait()
            server.stop()
        } catch {
            Blocking.run { await EventSystem.shutdown() }
            throw error
        }
        Blocking.run { await EventSystem.shutdown() }
    }

    /// `POST /flush`: answers once the collector has acknowledged everything recorded so far. Not traced itself.
    private static func flush() -> HTTPResponse {
        let flushed = Blocking.run { await EventSystem.flush(timeout: .seconds(10)) }
        return flushed
            ? .json("{\"flushed\": true}\n")
            : .json("{\"error\": \"not acknowledged in time\"}\n", status: 503)
    }
}
