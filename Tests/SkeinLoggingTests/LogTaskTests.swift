import Skein
import SkeinLogging
import SkeinTesting
import SkeinWire
import Testing

@Suite struct LogTaskTests {
    private struct OutOfStock: Error, Equatable {}

    /// What was logged in the block: level, message, key and bound data.
    private func lines(_ logs: RecordingHandler) -> [String] {
        logs.records.map { record in
            let context = record.task?.document
            let data = (context ?? [:]).filter { $0.key != "key" }.map { "\($0.key)=\($0.value.plainText)" }
            let key = context?["key"]?.stringValue ?? "-"
            return ([record.level.name, record.text, key] + data).joined(separator: " | ")
        }
    }

    @Test func `a task says that it begins, and whether it was reached, and numbers its records`() throws {
        let recorder = try TestRecorder()
        let logs = RecordingHandler()
        recorder.bind {
            withLogHandler(logs) {
                EventLogger("shop").info("outside")
                withTask("count up to \(2)", ["job": "count", "until": 2], id: "t") { task in
                    #expect(task.id == "t")
                    for number in 1...2 {
                        withSubtask("count \(number)", ["number": number]) { step in
                            EventLogger("shop").debug("at \(number)")
                            step.success("counted \(number)")
                        }
                    }
                    task.bind("more", true)
                    EventLogger("shop").warning("nearly done")
                }
                EventLogger("shop").info("outside again")
            }
        }
        #expect(
            lines(logs) == [
                "INFO | outside | -",
                "INFO | count up to 2 | 0@t | job=count | until=2",
                "INFO | count 1 | 0@t/1 | number=1",
                "DEBUG | at 1 | 1@t/1 | number=1",
                "INFO | counted 1 | 2@t/1 | number=1",
                "INFO | count 2 | 0@t/2 | number=2",
                "DEBUG | at 2 | 1@t/2 | number=2",
                "INFO | counted 2 | 2@t/2 | number=2",
                "WARNING | nearly done | 1@t | job=count | until=2 | more=true",
                "INFO | count up to 2 | 2@t | job=count | until=2 | more=true",
                "INFO | outside again | -",
            ])
        #expect(logs.records[1].logger == "root")
        #expect(logs.records[1].file == #filePath)
    }

    @Test func `an error fails the tasks that it leaves, and goes on as it is`() throws {
        let recorder = try TestRecorder()
        let logs = RecordingHandler()
        recorder.bind {
            withLogHandler(logs) {
                do throws(OutOfStock) {
                    try withTask("order", id: "o") { _ throws(OutOfStock) in
                        try withSubtask("reserve") { step throws(OutOfStock) in
                            step.success("never said")
                            throw OutOfStock()
                        }
                    }
                } catch {
                    #expect(error == OutOfStock())
                }
            }
        }
        #expect(
            lines(logs) == [
                "INFO | order | 0@o", "INFO | reserve | 0@o/1", "ERROR | FAILED reserve | 1@o/1",
                "ERROR | FAILED order | 1@o",
            ])
        #expect(logs.records.last?.exception?.contains("OutOfStock") == true)
        #expect(recorder.events("task.task").first?.errorType == "OutOfStock")
    }

    @Test func `tasks are contexts: a tree of events with their data as fields`() throws {
        let recorder = try TestRecorder()
        let id = recorder.bind {
            withTask("order", ["customer": 17]) { task in
                task.context["total"] = 9.9
                withSubtask("reserve", ["item": "tea"], type: ".reserve") { _ in }
                return task.id
            }
        }
        #expect(id.utf8.count == 32)
        let tree = try #require(recorder.tree("task"))
        #expect(tree.event.id == id)
        #expect(tree.event["customer"] == .int64(17))
        #expect(tree.event["total"] == .double(9.9))
        #expect(tree.event.document["trace"] == nil)
        let child = try #require(tree.child("task.reserve"))
        #expect(child.event["item"] == .string("tea"))
        #expect(child.event["customer"] == nil)
        #expect(
            tree.children.filter { $0.event.type == "task.log" }.map { $0.event["msg"] } == [
                "order", "order",
            ])
        // As a collector works them out from the keys of records.
        #expect(tree.event.span == Hex.string(RecordKey(counter: 0, task: id).span))
        #expect(child.event.span == Hex.string(RecordKey(counter: 0, task: id + "/1").span))
        #expect(child.event.parent == tree.event.span)
    }

    @Test(arguments: ["4bf92f3577b34da6a3ce929d0e0e4736", "0e6c1a52-6b1a-4f3e-9c5f-0123456789ab", "order 17"])
    func `a task of another process goes on here, under the one that handed its id over`(root: String) throws
    {
        let recorder = try TestRecorder()
        let logs = RecordingHandler()
        let foreign = recorder.bind {
            withTask("order", id: root) { task in
                withSubtask("own") { _ in }
                let id = task.foreignTask()
                withSubtask("own, too") { step in #expect(step.id == root + "/3") }
                return id
            }
        }
        #expect(foreign == root + "/2")
        recorder.bind {
            withLogHandler(logs, bubbles: true) {
                importTask(id: foreign, "reserve", ["item": "tea"]) { task in
                    #expect(task.id == foreign)
                    withSubtask("look") { step in #expect(step.id == foreign + "/1") }
                }
            }
        }
        #expect(lines(logs).first == "INFO | reserve | 0@\(foreign) | item=tea")
        let tasks = recorder.events("task")
        #expect(tasks.map(\.id) == [root, root])
        let (order, reserve) = (tasks[0], tasks[1])
        #expect(reserve.parent == order.span)
        #expect(reserve["item"] == .string("tea"))
        #expect(order.document["trace"] == reserve.document["trace"])
        #expect((order.document["trace"] == nil) == (TraceID(hex: root) != nil))
    }

    @Test func `any other text begins a tree with that id`() throws {
        let recorder = try TestRecorder()
        recorder.bind {
            importTask(id: "order", "reserve") { task in #expect(task.id == "order") }
            importTask(id: "", "reserve") { task in #expect(!task.id.isEmpty) }
        }
        #expect(recorder.events("task").allSatisfy { $0.parent == nil })
    }

    @Test func `a subtask outside of any task begins one`() throws {
        let recorder = try TestRecorder()
        let logs = RecordingHandler()
        recorder.bind {
            withLogHandler(logs) { withSubtask("alone") { task in #expect(!task.id.contains("/")) } }
        }
        #expect(logs.messages == ["alone", "alone"])
        #expect(recorder.events("task").count == 1)
    }

    @Test func `child tasks of Swift's inherit the task, and each child has a number of its own`()
        async throws
    {
        let recorder = try TestRecorder()
        let logs = RecordingHandler()
        try await recorder.bind {
            try await withLogHandler(logs) {
                try await withTask("order", id: "t") { task in
                    let ids = await withTaskGroup(of: String.self) { group in
                        for number in 0..<50 {
                            group.addTask {
                                await withSubtask("step \(number)") { step in
                                    EventLogger("shop").debug("in \(step.id)")
                                    await Task.yield()
                                    return step.id
                                }
                            }
                        }
                        return await group.reduce(into: Set<String>()) { $0.insert($1) }
                    }
                    #expect(ids == Set((1...50).map { "t/\($0)" }))
                    try await Task.sleep(for: .zero)
                    #expect(LogTask.current === task)
                }
            }
        }
        #expect(LogTask.current == nil)
        let keys = logs.records.compactMap { $0.task?.key }
        #expect(Set(keys).count == 152)
        for record in logs.records(level: .debug) {
            let key = try #require(record.task?.key)
            #expect(record.text == "in \(key.task)")
            #expect(key.counter == 1)
        }
    }

    @Test func `what is held back keeps the key of its task`() throws {
        let logs = RecordingHandler()
        let burst = BurstHandler(target: logs)
        withLogHandler(burst) {
            withTask("order", id: "t") { _ in EventLogger("shop").debug("detail") }
            EventLogger("shop").error("outside")
        }
        let detail = try #require(logs.records("detail").first)
        #expect(detail.task?.key == RecordKey(counter: 1, task: "t"))
        #expect(logs.records("outside").first?.task == nil)
    }
}
