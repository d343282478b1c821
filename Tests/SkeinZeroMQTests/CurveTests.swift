import SkeinPlatform
import SkeinZeroMQ
import Testing

@Suite(.enabled(if: ZMQContext.supportsCurve, "libzmq was built without CURVE")) struct CurveTests {
    @Test func `the pair of ZeroMQ's documentation is derived and spelled as there`() throws {
        // The test keys of the manual page zmq_curve(7).
        let secret = try #require(CurveKey(z85: "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"))
        let pair = try CurveKeyPair(secretKey: secret)
        #expect(pair.publicKey.z85 == "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
        #expect(CurveKey(bytes: pair.publicKey.bytes) == pair.publicKey)
    }

    @Test func `generated pairs differ and belong together`() throws {
        let pairs = try (0..<20).map { _ in try CurveKeyPair.generate() }
        #expect(Set(pairs.map(\.publicKey)).count == 20)
        for pair in pairs { #expect(try CurveKeyPair(secretKey: pair.secretKey) == pair) }
    }

    @Test(arguments: [
        "", "short", String(repeating: "é", count: 20), String(repeating: "\"", count: 40),
        String(repeating: "#", count: 40),
    ])
    func `what is no key is refused`(text: String) {
        #expect(CurveKey(z85: text) == nil)
    }

    @Test func `a key's description does not show it`() throws {
        let pair = try CurveKeyPair.generate()
        #expect(!"\(pair.secretKey)".contains(pair.secretKey.z85))
    }

    @Test func `encrypted ends talk, a plain one is refused`() throws {
        let context = try ZMQContext()
        let keys = try CurveKeyPair.generate()
        let pull = try ZMQSocket(.pull, in: context)
        try pull.set(ZMQOption.curveServer(secretKey: keys.secretKey))
        let endpoint = try pull.bind("tcp://127.0.0.1:0")

        let push = try ZMQSocket(.push, in: context)
        try push.set(ZMQOption.curveClient(try CurveKeyPair.generate(), server: keys.publicKey))
        try push.connect(endpoint)
        #expect(try push.send([1, 2], wait: true))
        #expect(try pull.receive(wait: true)?.bytes() == [1, 2])

        let plain = try ZMQSocket(.push, in: context)
        let monitor = try plain.monitor()
        try plain.connect(endpoint)
        try expect(from: monitor, "a failed handshake") {
            switch $0 {
            case .handshakeFailed, .handshakeProtocolError, .disconnected: true
            default: false
            }
        }
    }

    @Test func `with an authoriser only listed keys are let in, and messages carry them`() throws {
        let context = try ZMQContext()
        let server = try CurveKeyPair.generate()
        let friend = try CurveKeyPair.generate()
        let stranger = try CurveKeyPair.generate()
        let authoriser = try ZAPAuthoriser(in: context, allowing: [friend.publicKey])
        let pull = try ZMQSocket(.pull, in: context)
        try pull.set(ZMQOption.curveServer(secretKey: server.secretKey))
        try pull.set(.receiveTimeout(.seconds(20)))
        let endpoint = try pull.bind("tcp://127.0.0.1:0")

        let refused = try ZMQSocket(.push, in: context)
        try refused.set(ZMQOption.curveClient(stranger, server: server.publicKey))
        let monitor = try refused.monitor()
        try refused.connect(endpoint)
        try expect(.handshakeRefused(status: 400), from: monitor)

        let push = try ZMQSocket(.push, in: context)
        try push.set(ZMQOption.curveClient(friend, server: server.publicKey))
        try push.connect(endpoint)
        #expect(try push.send([7], wait: true))
        let user = try pull.receive(wait: true)?.userID
        #expect(user == friend.publicKey.z85)
        #expect(authoriser.counts.accepted == 1)
        #expect(authoriser.counts.refused >= 1)

        authoriser.allow([stranger.publicKey])
        let later = try ZMQSocket(.push, in: context)
        try later.set(ZMQOption.curveClient(stranger, server: server.publicKey))
        try later.connect(endpoint)
        #expect(try later.send([8], wait: true))
        #expect(try pull.receive(wait: true)?.bytes() == [8])
        #expect(throws: ZMQError.self) { try ZAPAuthoriser(in: context, allowing: []) }
        authoriser.stop()
        authoriser.stop()
    }
}
