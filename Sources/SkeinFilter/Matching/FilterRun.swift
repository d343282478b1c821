import SkeinPlatform

/// One evaluation of a program over one event.
struct FilterRun {
    /// Held by the filter that is asked, for as long as it is: not counted for each event.
    private unowned(unsafe) let program: FilterProgram
    private var envelope: EnvelopeCursor

    /// - Parameter isWhole: set to whether the elements end where the document does, if that is asked and nothing matches.
    @inline(__always)
    static func matches(
        _ program: FilterProgram, _ event: UnsafeRawBufferPointer, isWhole: inout Bool, asksWhole: Bool
    ) -> Bool {
        withUnsafeTemporaryAllocation(of: ElementPlace.self, capacity: EnvelopeKey.stored) { places in
            guard let room = places.baseAddress, let envelope = EnvelopeCursor(event, places: room) else {
                isWhole = false
                return false
            }
            var run = FilterRun(program: program, envelope: envelope)
            let matches = run.run()
            if asksWhole, !matches { isWhole = run.envelope.endsWhole() }
            return matches
        }
    }

    @inline(__always)
    private mutating func run() -> Bool {
        var next = program.entry
        while next >= 0 {
            let instruction = program.instructions.baseAddress.unsafelyUnwrapped + Int(next)
            next = decide(instruction.pointee) ? instruction.pointee.onTrue : instruction.pointee.onFalse
        }
        return next == FilterProgram.accept
    }

    @inline(__always)
    private mutating func decide(_ instruction: FilterProgram.Instruction) -> Bool {
        if instruction.root == .elapsed { return decideElapsed(instruction) }
        guard let place = envelope.place(instruction.root) else { return false }
        var hasValue = false
        let holds = any(instruction, place, step: 0, &hasValue)
        return instruction.isNegated ? hasValue && !holds : holds
    }

    // MARK: Paths

    /// Whether the test holds for a value that the rest of the path leads to.
    @inline(__always)
    private func any(
        _ instruction: FilterProgram.Instruction, _ place: ElementPlace, step: Int, _ hasValue: inout Bool
    ) -> Bool {
        var place = place
        var step = step
        while step < Int(instruction.stepCount) {
            guard place.kind == 0x03 || place.kind == 0x04,
                var walk = ElementWalk(envelope.base, at: Int(place.start), end: Int(place.end))
            else { return false }
            let wanted = program.steps.baseAddress.unsafelyUnwrapped + (Int(instruction.firstStep) &+ step)
            if place.kind == 0x04 { return throughArray(instruction, &walk, step: step, &hasValue) }
            while true {
                guard walk.next() else { return false }
                if walk.hasKey(wanted.pointee) { break }
            }
            place = Self.place(walk)
            step &+= 1
        }
        if place.kind == 0x04 { return inArray(instruction, place, &hasValue) }
        hasValue = true
        return ValueTest.holds(program, instruction, envelope.base, place)
    }

    @inline(__always)
    private static func place(_ walk: ElementWalk) -> ElementPlace {
        ElementPlace(
            kind: walk.kind, start: Int32(truncatingIfNeeded: walk.value),
            end: Int32(truncatingIfNeeded: walk.valueEnd))
    }

    /// A step into an array: a number is an element's place, a name is looked for in each document of the array.
    ///
    /// Calls itself at most once for each step of the path.
    @inline(never)
    private func throughArray(
        _ instruction: FilterProgram.Instruction, _ walk: inout ElementWalk, step: Int, _ hasValue: inout Bool
    ) -> Bool {
        let wanted = program.steps[Int(instruction.firstStep) + step]
        var index = 0
        while walk.next() {
            defer { index += 1 }
            if wanted.index >= 0 {
                if index == wanted.index {
                    return any(instruction, Self.place(walk), step: step + 1, &hasValue)
                }
            } else if walk.kind == 0x03,
                any(instruction, Self.place(walk), step: step, &hasValue)
            {
                return true
            }
        }
        return false
    }

    /// An array where the path ends: one of its elements must pass. That of an array inside is not asked.
    @inline(never)
    private func inArray(
        _ instruction: FilterProgram.Instruction, _ place: ElementPlace, _ hasValue: inout Bool
    ) -> Bool {
        hasValue = true
        if instruction.operation == .exists { return true }
        guard var walk = ElementWalk(envelope.base, at: Int(place.start), end: Int(place.end)) else {
            return false
        }
        while walk.next() {
            if walk.kind != 0x04, ValueTest.holds(program, instruction, envelope.base, Self.place(walk)) {
                return true
            }
        }
        return false
    }

    // MARK: elapsed

    @inline(never)
    private mutating func decideElapsed(_ instruction: FilterProgram.Instruction) -> Bool {
        guard let end = seconds(.end), let start = seconds(.start) else { return false }
        let holds = ValueTest.holds(program, instruction, elapsed: end - start)
        return instruction.isNegated ? !holds : holds
    }

    /// A time of the envelope in Unix seconds, as the collector reads it.
    @inline(__always)
    private mutating func seconds(_ key: EnvelopeKey) -> Double? {
        guard let place = envelope.place(key) else { return nil }
        let value = envelope.base + Int(place.start)
        let seconds: Double
        switch place.kind {
        case 0x01: seconds = Double(bitPattern: UInt64(littleEndian: value.loadUnaligned(as: UInt64.self)))
        case 0x09: seconds = Double(Int64(littleEndian: value.loadUnaligned(as: Int64.self))) / 1000
        case 0x10: seconds = Double(Int32(littleEndian: value.loadUnaligned(as: Int32.self)))
        case 0x12: seconds = Double(Int64(littleEndian: value.loadUnaligned(as: Int64.self)))
        default: return nil
        }
        return seconds.isFinite ? seconds : nil
    }
}
