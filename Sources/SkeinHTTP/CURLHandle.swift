import CSkeinCURL
import SkeinPlatform

/// One easy handle of libcurl: used by one thread at a time, its connections stay open between requests.
final class CURLHandle: @unchecked Sendable {
    // Sendable: libcurl allows a handle to move between threads; HTTPClient gives it to one at a time.
    private let handle: UnsafeMutableRawPointer

    struct Job {
        var method: String
        var url: String
        var headers: HTTPHeaders
        var body: [UInt8]?
        var time: Duration
        var configuration: HTTPClient.Configuration
    }

    private static let library = skein_curl_global_init()

    init() throws(HTTPError) {
        guard Self.library == CURLE_OK, let made = curl_easy_init() else {
            throw HTTPError(.exhausted, "libcurl could not be initialised")
        }
        handle = made
    }

    deinit {
        curl_easy_cleanup(handle)
    }

    /// What comes back, while it comes.
    private final class Transfer {
        var response = HTTPResponse(status: 0)
        var headerBytes = 0
        let maximumHeaderBytes: Int
        let maximumBodyBytes: Int
        var isTooLarge = false

        init(_ configuration: HTTPClient.Configuration) {
            maximumHeaderBytes = configuration.maximumHeaderBytes
            maximumBodyBytes = configuration.maximumBodyBytes
        }

        /// Returns what libcurl wants: the count that was taken; another one ends the transfer.
        func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
            guard response.body.count + bytes.count <= maximumBodyBytes else {
                isTooLarge = true
                return 0
            }
            response.body.append(contentsOf: bytes)
            return bytes.count
        }

        func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
            headerBytes += bytes.count
            guard headerBytes <= maximumHeaderBytes else {
                isTooLarge = true
                return 0
            }
            let line = bytes.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
            if line.starts(with: "HTTP/".utf8) {
                // A new status line: what came before was a 100 Continue.
                response.headers = HTTPHeaders()
            } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
                let value = line[line.index(after: colon)...].drop { $0 == 0x20 || $0 == 0x09 }
                response.headers.append(
                    String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
            }
            return bytes.count
        }
    }

    func perform(_ job: Job) throws(HTTPError) -> HTTPResponse {
        // Options go, connections stay.
        curl_easy_reset(handle)
        let transfer = Transfer(job.configuration)
        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        for (name, value) in job.headers {
            // `name;` is libcurl's way to say a header without a value.
            list = curl_slist_append(list, value.isEmpty ? name + ";" : name + ": " + value) ?? list
        }
        // Otherwise libcurl waits a second for a 100 Continue before it sends a large body.
        list = curl_slist_append(list, "Expect:") ?? list
        set(job, transfer, list)

        let errors = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        errors.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        defer { errors.deallocate() }
        skein_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, errors)

        // HEAD has none: with one libcurl would wait for the body of the answer.
        let body = job.method == "HEAD" ? nil : job.body
        let result = withExtendedLifetime(transfer) {
            (body ?? []).withUnsafeBytes { bytes in
                if body != nil {
                    skein_curl_set_long(handle, CURLOPT_POST, 1)
                    // Lent, not copied: this closure outlives the transfer. No bytes need an address, too.
                    skein_curl_set_pointer(
                        handle, CURLOPT_POSTFIELDS, bytes.baseAddress ?? UnsafeRawPointer(errors))
                    skein_curl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
                    skein_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, job.method)
                }
                return curl_easy_perform(handle)
            }
        }
        // Nothing of this call may be reachable through a handle that waits for the next.
        defer { curl_easy_reset(handle) }
        guard result == CURLE_OK else { throw error(result, job, transfer, String(cString: errors)) }
        var status = 0
        skein_curl_status(handle, &status)
        transfer.response.status = status
        return transfer.response
    }

    private func set(_ job: Job, _ transfer: Transfer, _ list: UnsafeMutablePointer<curl_slist>?) {
        let configuration = job.configuration
        skein_curl_set_text(handle, CURLOPT_URL, job.url)
        skein_curl_only_http(handle)
        // A segment that is `..` is one, not a way up.
        skein_curl_set_long(handle, CURLOPT_PATH_AS_IS, 1)
        // Signals would be the process's; timeouts work without them.
        skein_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        skein_curl_set_text(handle, CURLOPT_PROXY, "")
        skein_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(configuration.connectTime))
        skein_curl_set_long(handle, CURLOPT_TIMEOUT_MS, Self.milliseconds(job.time))
        skein_curl_set_text(handle, CURLOPT_USERAGENT, configuration.userAgent)
        skein_curl_set_list(handle, CURLOPT_HTTPHEADER, list)
        if job.method == "HEAD" {
            skein_curl_set_long(handle, CURLOPT_NOBODY, 1)
        } else if job.method != "GET" {
            skein_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, job.method)
        }
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        skein_curl_set_pointer(handle, CURLOPT_WRITEDATA, context)
        skein_curl_set_sink(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let context else { return 0 }
            return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                .takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        skein_curl_set_pointer(handle, CURLOPT_HEADERDATA, context)
        skein_curl_set_sink(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let context else { return 0 }
            return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                .takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
    }

    /// 0 would mean "no limit" to libcurl.
    private static func milliseconds(_ duration: Duration) -> Int {
        max(1, min(Int(Int32.max), Int(duration.nanoseconds / 1_000_000)))
    }

    private func error(_ result: CURLcode, _ job: Job, _ transfer: Transfer, _ detail: String) -> HTTPError {
        let reason = detail.isEmpty ? String(cString: curl_easy_strerror(result)) : detail
        let what = "\(job.method) \(HTTPClient.shown(job.url))"
        if transfer.isTooLarge {
            return HTTPError(.tooLarge, "\(what): the answer is larger than allowed")
        }
        let code: HTTPError.Code =
            switch result {
            case CURLE_OPERATION_TIMEDOUT: .timedOut
            case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST: .cannotConnect
            case CURLE_URL_MALFORMAT: .badRequest
            case CURLE_OUT_OF_MEMORY: .exhausted
            default: .badAnswer
            }
        return HTTPError(code, "\(what): \(reason)")
    }
}
