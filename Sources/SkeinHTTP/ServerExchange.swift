import CSkeinMicroHTTPD
import SkeinPlatform
import Synchronization

/// One request and its answer.
///
/// `head`, `body` and `discarded` belong to libmicrohttpd's thread until the exchange is submitted. From then the
/// connection is suspended, and whoever settles first (the worker, the clock, the end of the server) resumes it,
/// exactly once: a second resume, or one after the connection is gone, would corrupt libmicrohttpd.
final class ServerExchange: @unchecked Sendable {
    let connection: OpaquePointer
    let target: String
    var head: HTTPRequest?
    var body: [UInt8] = []
    var discarded = 0

    private let stage = Mutex(Stage.receiving)

    private enum Stage {
        case receiving
        case waiting(HTTPRequest, deadline: Int64)
        case working(deadline: Int64)
        case settled(HTTPResponse)
        case answered
    }

    init(connection: OpaquePointer, target: String) {
        self.connection = connection
        self.target = target
    }

    /// The request is complete: suspends the connection until `settle`. On libmicrohttpd's thread only.
    func suspend(_ request: HTTPRequest, deadline: Int64) {
        stage.withLock { $0 = .waiting(request, deadline: deadline) }
        MHD_suspend_connection(connection)
    }

    /// Hands the request to a worker; nil if it has been answered meanwhile.
    func begin() -> HTTPRequest? {
        stage.withLock { stage in
            guard case .waiting(let request, let deadline) = stage else { return nil }
            stage = .working(deadline: deadline)
            return request
        }
    }

    func isOverdue(at now: Int64) -> Bool {
        stage.withLock { stage in
            switch stage {
            case .waiting(_, let deadline), .working(let deadline): deadline <= now
            case .receiving, .settled, .answered: false
            }
        }
    }

    /// Gives the answer and resumes the connection; does nothing if there was an answer already, or none is wanted.
    /// - Parameter count: called if it was taken, and before the peer can see it.
    func settle(_ response: HTTPResponse, count: () -> Void = {}) {
        stage.withLock { stage in
            switch stage {
            case .receiving, .settled, .answered: break
            case .waiting, .working:
                stage = .settled(response)
                count()
                MHD_resume_connection(connection)
            }
        }
    }

    /// The answer, once, for libmicrohttpd's thread after the resume.
    func takeResponse() -> HTTPResponse? {
        stage.withLock { stage in
            guard case .settled(let response) = stage else { return nil }
            stage = .answered
            return response
        }
    }
}
