#if Tracing
    import Skein
    import SkeinTesting
    import SkeinTracing
    import Testing
    import Tracing

    /// A clock of the app's own.
    private struct OwnInstant: TracerInstant {
        var nanosecondsSinceEpoch: UInt64
        static func < (left: OwnInstant, right: OwnInstant) -> Bool {
            left.nanosecondsSinceEpoch < right.nanosecondsSinceEpoch
        }
    }

    @Suite struct InstantTests {
        private func instant(_ seconds: Double) -> DefaultTracerClock.Timestamp {
            .init(nanosecondsSinceEpoch: UInt64(seconds * 1e9))
        }

        @Test func `without instants a span's times are the pipeline's`() throws {
            let clock = ManualClock()
            let recorder = try TestRecorder(clock: clock)
            recorder.tracer.withSpan("s") { _ in clock.advance(by: .milliseconds(250)) }
            let event = try #require(recorder.events.first)
            #expect(event.start == 1_767_225_600)
            #expect(event.elapsed == 0.25)
        }

        @Test func `named instants are the event's, though the clock says otherwise`() throws {
            let recorder = try TestRecorder(clock: ManualClock())
            let span = recorder.tracer.startSpan("s", context: .topLevel, at: instant(1_700_000_000))
            span.end(at: instant(1_700_000_002.5))
            let event = try #require(recorder.events.first)
            #expect(event.start == 1_700_000_000)
            #expect(abs(event.end - 1_700_000_002.5) < 1e-6)
        }

        @Test func `the same with the machine's clock`() throws {
            let recorder = try TestRecorder()
            let now = Double(DefaultTracerClock.now.nanosecondsSinceEpoch) * 1e-9
            let span = recorder.tracer.startSpan("s", context: .topLevel, at: instant(now - 3_600))
            span.end(at: instant(now - 3_590))
            let event = try #require(recorder.events.first)
            #expect(abs(event.start - (now - 3_600)) < 1e-6)
            #expect(abs(event.elapsed - 10) < 1e-3)
        }

        @Test func `a span that began earlier is as long as that, and its children begin now`() throws {
            let clock = ManualClock()
            let recorder = try TestRecorder(clock: clock)
            let span = recorder.tracer.startSpan("s", context: .topLevel, at: instant(1_767_225_590))
            let child = recorder.tracer.startSpan("c", context: span.context)
            child.end()
            span.end()
            #expect(recorder.events("s").first?.elapsed == 10)
            #expect(recorder.events("s.c").first?.start == 1_767_225_600)
        }

        @Test func `an end before the beginning is the beginning`() throws {
            let recorder = try TestRecorder(clock: ManualClock())
            let span = recorder.tracer.startSpan("s", context: .topLevel)
            span.end(at: instant(1_000_000_000))
            #expect(recorder.events.first?.elapsed == 0)
        }

        @Test(arguments: [UInt64.min, .max])
        func `instants of another age change nothing`(nanoseconds: UInt64) throws {
            let recorder = try TestRecorder(clock: ManualClock(unixSeconds: 4_000_000_000))
            let span = recorder.tracer.startSpan(
                "s", context: .topLevel, at: OwnInstant(nanosecondsSinceEpoch: nanoseconds))
            span.end(at: OwnInstant(nanosecondsSinceEpoch: nanoseconds))
            #expect(abs((recorder.events.first?.start ?? 0) - 4_000_000_000) < 1e-6)
            #expect(recorder.events.first?.elapsed == 0)
        }

        @Test func `instants of a clock of one's own are taken as they are`() throws {
            let recorder = try TestRecorder(clock: ManualClock())
            let span = recorder.tracer.startSpan(
                "s", context: .topLevel, at: OwnInstant(nanosecondsSinceEpoch: 1_700_000_000_000_000_000))
            span.end(at: OwnInstant(nanosecondsSinceEpoch: 1_700_000_001_000_000_000))
            #expect(recorder.events.first?.start == 1_700_000_000)
            #expect(abs((recorder.events.first?.elapsed ?? 0) - 1) < 1e-6)
        }
    }
#endif
