import Skein
import SkeinLogging
import SkeinTesting
import Testing

@Suite struct ContextHandlerTests {
    @Test func `a record is an event of the current context`() throws {
        let recorder = try TestRecorder()
        let logger = EventLogger("shop.cart", handler: ContextHandler())
        recorder.withContext("request") { _ in
            logger.info("put in cart", ["item": "tea", "count": 2])
        }
        let tree = try #require(recorder.tree("request"))
        let event = try #require(tree.child("request.log")?.event)
        #expect(event.id == tree.event.id)
        #expect(event.parent == tree.event.span)
        #expect(event.span != tree.event.span)
        #expect(event.start == event.end)
        #expect(event.document["level"] == .int32(20))
        #expect(event["name"] == .string("shop.cart"))
        #expect(event["level"] == .string("INFO"))
        #expect(event["msg"] == .string("put in cart"))
        #expect(event["data.item"] == .string("tea"))
        #expect(event["data.count"] == .int64(2))
        #expect(event["file"] == .string(#filePath))
        #expect(event["line"] == .int64(11))
        #expect(event["module"] == .string("SkeinLoggingTests"))
        #expect(event["function"]?.stringValue?.contains("current context") == true)
        #expect(event["thread"]?.stringValue?.isEmpty == false)
        #expect(event["exception"] == nil)
    }
}
