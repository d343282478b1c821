import SkeinBSON
import SkeinHTTP
import SkeinPlatform
import Synchronization

/// A crowd of customers: some threads that send the storefront one request after the other.
///
/// It records no events: it stands for the world outside, which knows nothing of traces.
final class Driver: Sendable {
    private let url: String
    private let client: HTTPClient

    init(url: String) {
        self.url = url
        var configuration = HTTPClient.Configuration()
        configuration.userAgent = "skein-demo drive"
        configuration.time = .seconds(30)
        client = HTTPClient(configuration)
    }

    private static let discoveryTexts = ["lib", "util", "the", "for", "data", "py", "base", "common"]

    /// How many requests ``discoverNames()`` sends.
    static var discoverySearches: Int { discoveryTexts.count }

    /// Names to ask for, found as a customer would: by searching.
    func discoverNames() throws -> [String] {
        var names: Set<String> = []
        for text in Self.discoveryTexts {
            let answer: HTTPResponse
            do {
                answer = try client.send(url: "\(url)/search?q=\(text)&limit=200")
            } catch {
                throw DemoError.failed("the storefront does not answer: \(error)")
            }
            guard answer.status == 200, let document = try? ExtendedJSON.decode(answer.text) else {
                throw DemoError.failed(
                    "the storefront at \(url) answered a search with status \(answer.status)")
            }
            for package in document["packages"]?.arrayValues ?? [] {
                if let name = package.documentValue?["name"]?.stringValue { names.insert(name) }
            }
        }
        guard !names.isEmpty else { throw DemoError.failed("the storefront at \(url) knows no packages") }
        return names.sorted()
    }

    /// Sends one request and forgets the answer.
    func send(_ request: Traffic.Request) {
        _ = try? client.send(url: url + request.target)
    }

    /// Sends the requests, some at a time. Stops early when told so.
    /// - Parameter progress: called now and then with how many are done.
    func drive(
        requests: Int, threads: Int, traffic: Traffic, isStopped: @escaping @Sendable () -> Bool,
        progress: @escaping @Sendable (Int) -> Void
    ) throws -> DriveResult {
        struct Shared {
            var traffic: Traffic
            var left: Int
            var running: Int
            var result = DriveResult()
        }
        let shared = Monitor(Shared(traffic: traffic, left: requests, running: threads))
        let customer: @Sendable () -> Void = {
            while !isStopped() {
                let request = shared.withLock { shared -> Traffic.Request? in
                    guard shared.left > 0 else { return nil }
                    shared.left -= 1
                    return shared.traffic.next()
                }
                guard let request else { break }
                let began = SystemClock.monotonicNanoseconds()
                let answer = Result { try self.client.send(url: self.url + request.target) }
                let took = SystemClock.monotonicNanoseconds() - began
                let done = shared.withLock { shared in
                    shared.result.take(request, answer.map(\.status), nanoseconds: took)
                    return shared.result.count
                }
                if done % 250 == 0 { progress(done) }
            }
            shared.update { $0.running -= 1 }
        }
        for index in 0..<threads {
            do {
                try SystemThread(name: "customer-\(index)", customer).detach()
            } catch {
                shared.update { $0.running -= 1 }
            }
        }
        // Each request is bounded by the client's limit, so this ends.
        _ = shared.wait(until: .max) { $0.running == 0 ? () : nil }
        return shared.withLock { $0.result }
    }
}
