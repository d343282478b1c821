import SkeinShipping
import Testing

@Suite struct EndpointTests {
    @Test(arguments: [
        (
            "deliver://collector:3515", Endpoint.Transport.deliver, "collector", 3515,
            "deliver://collector:3515"
        ),
        ("deliver://collector", .deliver, "collector", 3515, "deliver://collector:3515"),
        ("push://10.0.0.1:3514", .push, "10.0.0.1", 3514, "push://10.0.0.1:3514"),
        ("push://master", .push, "master", 3514, "push://master:3514"),
        ("tcp://127.0.0.1:3514", .find, "127.0.0.1", 3514, "tcp://127.0.0.1:3514"),
        ("TCP://127.0.0.1:3514", .find, "127.0.0.1", 3514, "tcp://127.0.0.1:3514"),
        ("master:3514", .find, "master", 3514, "tcp://master:3514"),
        ("localhost", .find, "localhost", 3515, "tcp://localhost:3515"),
        ("my_host-1.example.com:1", .find, "my_host-1.example.com", 1, "tcp://my_host-1.example.com:1"),
        ("[::1]:65535", .find, "::1", 65535, "tcp://[::1]:65535"),
        ("deliver://[fe80::1%eth0]", .deliver, "fe80::1%eth0", 3515, "deliver://[fe80::1%eth0]:3515"),
    ])
    func `the accepted forms are read`(
        _ text: String, _ transport: Endpoint.Transport, _ host: String, _ port: Int, _ description: String
    ) throws {
        let endpoint = try Endpoint(text)
        #expect(endpoint.transport == transport)
        #expect(endpoint.host == host)
        #expect(endpoint.port == port)
        #expect(endpoint.description == description)
        #expect(try Endpoint(endpoint.description) == endpoint)
    }

    @Test func `a file is named by its whole path`() throws {
        let endpoint = try Endpoint("file:///var/log/my events.bson")
        #expect(endpoint.transport == .file)
        #expect(endpoint.path == "/var/log/my events.bson")
    }

    @Test(arguments: [
        "", ":", ":3515", "host:", "host:0", "host:65536", "host:99999999999", "host:-1", "host:+5",
        "host:3515x",
        "host:３５１５", "ho st:3515", "host/path:1", "tcp://", "tcp://:1", "http://host:1", "udp://host:1",
        "://host:1",
        "[::1", "[]:1", "[::1]1", "[::1]x:1", "[zz zz]:1", "file://", "file:///", "file://relative",
        "file://host/x",
        "*:3515", "host\u{0}:1", "hôst:1", String(repeating: "h", count: 254), "tcp://tcp://host:1",
    ])
    func `anything else is refused, with the accepted forms`(_ text: String) {
        let error = #expect(throws: ShippingError.self) { try Endpoint(text) }
        #expect(error?.code == .endpoint)
        #expect(error?.description.contains(Endpoint.acceptedForms) == true)
    }
}
