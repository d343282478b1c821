import SkeinPlatform

extension MappedJournal {
    /// The slot with which the record that tells of a dead owner's end is to be appended
    /// (``RecoveredJournal/DeadOwner/isUnreported``); nil if there is nothing to tell. Say ``deadOwnerIsReported()`` when the
    /// record is committed: a kill in between neither loses nor doubles it.
    public var deadOwnerSlot: UnsafeMutableRawPointer? {
        let block = DeadOwnerBlock(head)
        return core.isInert || block.read() == nil ? nil : block.slot
    }

    /// Forgets the dead owner, whose end is in a record.
    public func deadOwnerIsReported() {
        if !core.isInert { DeadOwnerBlock(head).state = SlotLayout.free }
    }

    /// Bytes of records, with their headers, that a reader of this name has not acknowledged, over all shards. Any thread.
    public func unacknowledgedBytes(cursor name: String = "shipper") -> Int {
        (0..<readableShards).reduce(0) { sum, shard in
            let position = core.store.cursor(name, lane: shard)?.position ?? CursorRecord.start.position
            return sum + core.store.backlog(lane: shard, from: position)
        }
    }
}
