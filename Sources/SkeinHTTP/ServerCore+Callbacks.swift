import CSkeinMicroHTTPD
import SkeinPlatform
import Synchronization

/// What libmicrohttpd calls, all on its polling thread; nothing here blocks.
extension ServerCore {
    /// The request line has arrived: the exchange begins. libmicrohttpd keeps it for us until `completed`.
    static let target: skein_mhd_target_callback = { context, target, connection in
        guard let context, let connection else { return nil }
        let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
        let exchange = ServerExchange(
            connection: connection, target: target.map { String(cString: $0) } ?? "")
        core.state.withLock { $0.underWay[ObjectIdentifier(exchange)] = exchange }
        return Unmanaged.passRetained(exchange).toOpaque()
    }

    /// Called with the headers, with each piece of the body, at the end of the request and after the resume.
    static let access: MHD_AccessHandlerCallback = { context, connection, _, method, _, bytes, count, slot in
        guard let context, let connection, let method, let count, let exchange = slot?.pointee else {
            return skein_mhd_no
        }
        let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
        return core.access(
            Unmanaged<ServerExchange>.fromOpaque(exchange).takeUnretainedValue(), on: connection,
            method: String(cString: method), bytes: bytes, count: count)
    }

    /// The answer is sent, or the connection broke.
    static let completed: MHD_RequestCompletedCallback = { context, connection, slot, _ in
        guard let context, let connection, let slot, let exchange = slot.pointee else { return }
        slot.pointee = nil
        let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
        let ended = Unmanaged<ServerExchange>.fromOpaque(exchange).takeRetainedValue()
        core.connections.step(connection, deadline: core.headDeadline)
        let isStopping = core.state.withLock { state in
            state.underWay[ObjectIdentifier(ended)] = nil
            return state.phase != .running
        }
        // The end of the server may be waiting for this one.
        if isStopping { core.state.wakeAll() }
    }

    static let connection: MHD_NotifyConnectionCallback = { context, connection, _, what in
        guard let context, let connection else { return }
        let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
        if skein_mhd_is_started(what) != 0 {
            core.connections.opened(
                connection, descriptor: skein_mhd_socket(connection), deadline: core.headDeadline)
        } else {
            core.connections.closed(connection)
        }
    }

    private func access(
        _ exchange: ServerExchange, on connection: OpaquePointer, method: String,
        bytes: UnsafePointer<CChar>?, count: UnsafeMutablePointer<Int>
    ) -> MHD_Result {
        guard let head = exchange.head else { return receiveHead(exchange, on: connection, method: method) }
        if count.pointee > 0 {
            defer { count.pointee = 0 }
            return receiveBody(exchange, UnsafeRawBufferPointer(start: bytes, count: count.pointee))
        }
        if let response = exchange.takeResponse() { return queue(response, on: connection) }
        if exchange.discarded > 0 {
            return refuse(.tooLargeBody(configuration.limits.bodyBytes), on: connection)
        }
        return submit(exchange, head.with(body: exchange.body), on: connection)
    }

    private func receiveHead(
        _ exchange: ServerExchange, on connection: OpaquePointer, method: String
    ) -> MHD_Result {
        let headers = Self.headers(of: connection)
        // Two framings at once, or one that is not understood, are how requests are smuggled past proxies.
        let codings = headers.values(of: "Transfer-Encoding")
        let lengths = headers.values(of: "Content-Length")
        guard codings.isEmpty || lengths.isEmpty, lengths.count <= 1, codings.count <= 1 else {
            return refuse(.text("the length of the body is ambiguous\n", status: 400), on: connection)
        }
        if let coding = codings.first, coding.lowercased() != "chunked" {
            return refuse(.text("this transfer coding is not understood\n", status: 501), on: connection)
        }
        if let length = lengths.first, Int(length).map({ $0 > configuration.limits.bodyBytes }) ?? true {
            return refuse(.tooLargeBody(configuration.limits.bodyBytes), on: connection)
        }
        do {
            exchange.head = try HTTPRequest(
                method: method, target: exchange.target, headers: headers, body: [],
                remoteAddress: Self.peer(of: connection))
        } catch {
            let part = error == .query ? "query" : "path"
            return refuse(.text("the \(part) is not encoded as it should be\n", status: 400), on: connection)
        }
        requests.add(1, ordering: .relaxed)
        connections.step(connection, deadline: now + configuration.limits.receiveTime.nanoseconds)
        return skein_mhd_yes
    }

    private func receiveBody(_ exchange: ServerExchange, _ bytes: UnsafeRawBufferPointer) -> MHD_Result {
        let limit = configuration.limits.bodyBytes
        if exchange.discarded == 0, exchange.body.count + bytes.count <= limit {
            exchange.body.append(contentsOf: bytes)
            return skein_mhd_yes
        }
        // An answer can only be given at the end of the body: read on for a while, then hang up.
        exchange.body = []
        exchange.discarded += bytes.count
        return exchange.discarded > max(limit, 1 << 20) ? skein_mhd_no : skein_mhd_yes
    }

    private func submit(
        _ exchange: ServerExchange, _ request: HTTPRequest, on connection: OpaquePointer
    ) -> MHD_Result {
        connections.step(connection, deadline: .max)
        let isTaken = state.withLock { state in
            guard state.phase != .closed, state.queued < configuration.limits.queuedRequests else {
                return false
            }
            // Suspended first: a worker could be done with it before this returns.
            exchange.suspend(request, deadline: now + configuration.limits.handleTime.nanoseconds)
            state.queue.append(exchange)
            // The end of the server waits here as well, and must not take a worker's turn.
            if state.phase == .running { self.state.wakeOne() } else { self.state.wakeAll() }
            return true
        }
        if isTaken { return skein_mhd_yes }
        unavailable.add(1, ordering: .relaxed)
        return queue(.unavailable("too many requests are waiting"), on: connection)
    }

    private func refuse(_ response: HTTPResponse, on connection: OpaquePointer) -> MHD_Result {
        refused.add(1, ordering: .relaxed)
        return queue(response, on: connection)
    }

    private func queue(_ response: HTTPResponse, on connection: OpaquePointer) -> MHD_Result {
        var response = response
        if response.headers.firstForbidden != nil || !(200...599).contains(response.status) {
            response = .text("the answer of the server was no HTTP\n", status: 500)
        }
        let made = response.body.withUnsafeBytes { body in
            skein_mhd_response(body.baseAddress, body.count)
        }
        guard let made else { return skein_mhd_no }
        defer { MHD_destroy_response(made) }
        for (name, value) in response.headers where !Self.isFraming(name) {
            // It also refuses an empty value, which says nothing anyway.
            MHD_add_response_header(made, name, value)
        }
        if state.withLock({ $0.phase != .running }) { MHD_add_response_header(made, "Connection", "close") }
        connections.step(connection, deadline: now + configuration.limits.sendTime.nanoseconds)
        return MHD_queue_response(connection, UInt32(response.status), made)
    }

    /// What libmicrohttpd writes itself, from what it really sends.
    private static func isFraming(_ name: String) -> Bool {
        ["content-length", "transfer-encoding", "connection", "date"].contains(name.lowercased())
    }

    private static func headers(of connection: OpaquePointer) -> HTTPHeaders {
        var headers = HTTPHeaders()
        withUnsafeMutablePointer(to: &headers) { pointer in
            _ = skein_mhd_each_header(
                connection,
                { context, _, name, nameCount, value, valueCount in
                    guard let context, let name else { return skein_mhd_no }
                    context.assumingMemoryBound(to: HTTPHeaders.self).pointee.append(
                        ServerCore.text(name, nameCount), value.map { ServerCore.text($0, valueCount) } ?? "")
                    return skein_mhd_yes
                }, pointer)
        }
        return headers
    }

    private static func text(_ start: UnsafePointer<CChar>, _ count: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    private static func peer(of connection: OpaquePointer) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress, skein_mhd_peer(connection, start, 128) == 1 else {
                return ""
            }
            return String(cString: start)
        }
    }

    private var now: Int64 { SystemClock.monotonicNanoseconds() }

    /// By when the next request's headers must be there: the time to be silent, then the time to send them.
    private var headDeadline: Int64 {
        now + configuration.limits.idleTime.nanoseconds + configuration.limits.receiveTime.nanoseconds
    }
}

extension HTTPResponse {
    fileprivate static func tooLargeBody(_ limit: Int) -> HTTPResponse {
        .text("the body is larger than \(limit) bytes\n", status: 413)
    }
}
