import SkeinBSON
import SkeinPickle
import SkeinWire
import SkeinZeroMQ

/// Messages of several frames: records of Distlog's, or another protocol, or nothing at all.
extension InletLoop {
    /// Takes the rest of a message of which the first frame announced more.
    /// - Returns: whether an event made of it is in the journal.
    func takeFrames(_ first: consuming ZMQMessage, _ arrival: Int64) throws(ZMQError) -> Bool {
        guard let second = try sockets.collect.receive() else { return false }
        if second.hasMore {
            try rejectFrames(first, second)
            return false
        }
        if first.count == 137 {
            reject(first, second, .foreignProtocol, "BlueOx's protocol; an event is one frame of BSON")
            return false
        }
        let topic: DistlogTopic
        switch first.withBytes({ DistlogTopic.parse($0) }) {
        case .success(let parsed): topic = parsed
        case .failure(let fault):
            reject(first, second, .badTopic, fault.description)
            return false
        }
        let event: [UInt8]
        do throws(RecordFault) {
            event = try record(second, topic, arrival)
        } catch {
            reject(second, error.reason, "topic \(topic): \(error.detail)")
            return false
        }
        switch takeEvent(madeOf: event, arrival) {
        case .success(let journaled):
            distlog.count(topic)
            return journaled
        case .failure(let reason):
            reject(second, reason, "topic \(topic): the event that it makes has \(event.count) bytes")
            return false
        }
    }

    /// The event that a record becomes.
    private func record(
        _ message: borrowing ZMQMessage, _ topic: DistlogTopic, _ arrival: Int64
    ) throws(RecordFault) -> [UInt8] {
        let attributes = try message.withBytes { (bytes) throws(RecordFault) in
            guard bytes.count <= EventCheck.maximumBytes else {
                throw RecordFault(reason: .tooLarge, detail: "\(bytes.count) bytes")
            }
            return try decode(bytes, topic)
        }
        do throws(RejectReason) {
            return try ForeignRecord(system: topic.system, kind: topic.kind).event(
                attributes, arrival: arrival)
        } catch {
            throw RecordFault(reason: error, detail: "a log record has msg or message; this has neither")
        }
    }

    private func decode(
        _ bytes: UnsafeRawBufferPointer, _ topic: DistlogTopic
    ) throws(RecordFault) -> BSONDocument {
        switch topic.encoding {
        case .json:
            do throws(BSONError) {
                return try PlainJSON.decode(
                    utf8: bytes, maximumDepth: DistlogTopic.maximumDepth,
                    maximumBytes: EventCheck.maximumBytes)
            } catch {
                throw RecordFault(reason: .badJSON, detail: error.description)
            }
        case .pickle:
            let read: PickleReader.Result
            do throws(PickleError) {
                read = try PickleReader().read(bytes)
            } catch {
                throw RecordFault(reason: .badPickle, detail: error.description)
            }
            distlog.unknownNames &+= UInt64(read.unknownNames)
            guard case .document(let attributes) = read.value else {
                throw RecordFault(reason: .badRecord, detail: "a pickle of no dict")
            }
            return attributes
        }
    }

    // MARK: Rejecting

    /// Puts a message of two frames aside, one behind the other.
    private func reject(
        _ first: borrowing ZMQMessage, _ second: borrowing ZMQMessage, _ reason: RejectReason,
        _ detail: String
    ) {
        ledger.reject(reason)
        let item = RejectedStore.Item(
            reason: reason, source: "collect", peer: first.peerAddress ?? "", detail: detail)
        (first.bytes() + second.bytes()).withUnsafeBytes { parts.rejected.add(item, $0) }
    }

    /// Puts a message of more than two frames aside.
    private func rejectFrames(_ first: borrowing ZMQMessage, _ second: borrowing ZMQMessage) throws(ZMQError)
    {
        var lengths = [first.count, second.count]
        // Enough to see what it was; the rest of a hostile message is thrown away.
        let kept = 64 << 10
        var bytes = first.withBytes { Array($0.prefix(kept)) }
        second.withBytes { bytes += $0.prefix(kept - bytes.count) }
        var frames = 2
        while let next = try sockets.collect.receive() {
            frames += 1
            if frames <= 8 { lengths.append(next.count) }
            if bytes.count < kept { next.withBytes { bytes += $0.prefix(kept - bytes.count) } }
            if !next.hasMore { break }
        }
        ledger.reject(.badFrames)
        let shown = lengths.map { "\($0)" }.joined(separator: ", ")
        let item = RejectedStore.Item(
            reason: .badFrames, source: "collect", peer: first.peerAddress ?? "",
            detail:
                "\(frames) frames of \(shown)\(frames > 8 ? ", …" : "") bytes; an event is one frame of BSON, "
                + "a record of Distlog's two")
        bytes.withUnsafeBytes { parts.rejected.add(item, $0) }
    }
}

/// Why a record is not taken.
private struct RecordFault: Error {
    var reason: RejectReason
    var detail: String
}
