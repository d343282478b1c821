internal import CSkeinProcessor
import SkeinBSON
import SkeinPlatform

/// A loaded shared library, as `skein_processor.h` has it. One thread.
final class ProcessorLibrary {
    /// What came of events.
    struct Verdict {
        enum End {
            case taken
            case again(String)
            case refused(String)
        }
        /// How many are taken.
        var passed: Int
        var end: End
    }

    private let table: skein_processor
    private var state: UnsafeMutableRawPointer?
    private let options: UnsafeMutablePointer<skein_option>
    private let host: UnsafeMutablePointer<skein_host>
    private var stream = ""
    private var streamText: UnsafeMutablePointer<CChar>?

    private static let reasonBytes = 512

    /// Loads it, looks for the entry, compares versions, and opens it.
    init(
        path: String, options: [(name: String, value: String)], voice: ProcessorVoice
    ) throws(ProcessorHost.Failure) {
        // Without a slash the system would search elsewhere.
        let file = path.contains("/") ? path : "./" + path
        guard let handle = dlopen(file, RTLD_NOW | RTLD_LOCAL) else {
            throw .init(reason: "cannot load it: \(Self.loaderError(path))")
        }
        guard let symbol = dlsym(handle, "skein_processor_entry") else {
            throw .init(reason: "\(path) has no symbol skein_processor_entry")
        }
        typealias Entry = @convention(c) () -> UnsafePointer<skein_processor>?
        guard let found = unsafeBitCast(symbol, to: Entry.self)() else {
            throw .init(reason: "\(path): skein_processor_entry returned NULL")
        }
        // The version first: what lies behind it is its matter.
        guard found.pointee.abi == UInt32(SKEIN_PROCESSOR_ABI) else {
            throw .init(
                reason:
                    "\(path) is of version \(found.pointee.abi) of the ABI; expected \(SKEIN_PROCESSOR_ABI)")
        }
        guard found.pointee.size >= UInt32(MemoryLayout<skein_processor>.size) else {
            throw .init(reason: "\(path): its skein_processor has \(found.pointee.size) bytes")
        }
        table = found.pointee
        self.options = .allocate(capacity: max(1, options.count))
        for (index, option) in options.enumerated() {
            (self.options + index).initialize(
                to: skein_option(name: strdup(option.name), value: strdup(option.value)))
        }
        host = .allocate(capacity: 1)
        host.initialize(
            to: skein_host(
                abi: UInt32(SKEIN_PROCESSOR_ABI), size: UInt32(MemoryLayout<skein_host>.size),
                // Kept for as long as the process.
                context: Unmanaged.passRetained(voice).toOpaque(),
                log: { _, text in if let text { StandardError.writeLine(String(cString: text)) } },
                answer: { context, document, length in
                    guard let context, let document, length <= 16 << 20,
                        BSONView.isPlausible(UnsafeRawBufferPointer(start: document, count: Int(length)))
                    else { return 1 }
                    let voice = Unmanaged<ProcessorVoice>.fromOpaque(context).takeUnretainedValue()
                    do throws(ProcessorHost.Failure) {
                        try voice.write(UnsafeRawBufferPointer(start: document, count: Int(length)))
                        return 0
                    } catch {
                        return 1
                    }
                }))
        guard let open = table.open, table.process != nil else {
            throw .init(reason: "\(path) lacks open or process")
        }
        let opened = self.options
        let (result, reason) = Self.withReason { buffer, capacity in
            open(opened, options.count, host, &state, buffer, capacity)
        }
        guard result == 0 else { throw .init(reason: "\(path) cannot open: \(reason)") }
    }

    func process(_ events: ArraySlice<ProcessorInput.Event>) -> Verdict {
        guard let first = events.first, let process = table.process else {
            return Verdict(passed: 0, end: .taken)
        }
        // One collector feeds it, so that there is one name.
        if streamText == nil || first.stream != stream {
            free(streamText)
            stream = first.stream
            streamText = strdup(stream)
        }
        let records = events.map { event in
            skein_event(
                bytes: event.bytes.bindMemory(to: UInt8.self).baseAddress, length: UInt64(event.bytes.count),
                stream: streamText, number: event.number, arrival: event.arrival)
        }
        var taken = 0
        let (result, reason) = Self.withReason { buffer, capacity in
            records.withUnsafeBufferPointer { records in
                process(state, records.baseAddress, records.count, &taken, buffer, capacity)
            }
        }
        // It is a library of somebody's: its numbers are looked at.
        let passed = min(max(0, taken), events.count - 1)
        switch result {
        case SKEIN_TAKEN: return Verdict(passed: events.count, end: .taken)
        case SKEIN_REFUSED: return Verdict(passed: passed, end: .refused(reason))
        case SKEIN_AGAIN: return Verdict(passed: passed, end: .again(reason))
        default: return Verdict(passed: passed, end: .again("its process() returned \(result): \(reason)"))
        }
    }

    /// - Returns: why not; nil if all is well.
    func flush() -> String? {
        guard let flush = table.flush else { return nil }
        let (result, reason) = Self.withReason { buffer, capacity in flush(state, buffer, capacity) }
        return result == 0 ? nil : reason
    }

    func close() {
        table.close?(state)
    }

    private static func withReason(
        _ body: (UnsafeMutablePointer<CChar>?, Int) -> Int32
    ) -> (result: Int32, reason: String) {
        var buffer = [CChar](repeating: 0, count: reasonBytes)
        let result = buffer.withUnsafeMutableBufferPointer { body($0.baseAddress, $0.count) }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return (result, bytes.isEmpty ? "no reason given" : String(decoding: bytes, as: UTF8.self))
    }

    private static func loaderError(_ path: String) -> String {
        dlerror().map { String(cString: $0) } ?? path
    }
}
