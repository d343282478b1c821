import SkeinPlatform

extension MappedJournal {
    private static let maximumJournals = 1024

    /// Opens a journal. With a folder it takes over the first journal of the spool whose owner is dead, or makes a
    /// new one; ``recovered`` says what was found. Where the file system cannot promise that a reserved page can be
    /// written, it takes anonymous memory instead: ``fallback`` says so.
    ///
    /// A few milliseconds in a folder, besides reading what an earlier owner left.
    /// - Throws: `configuration` for a setting out of range; `noSpace` when head and slots find no room on the disk;
    ///   `locked` when 1,024 living processes share the spool; `system` for everything else, with the path.
    public convenience init(_ configuration: Configuration) throws(JournalError) {
        try self.init(configuration, storage: DiskStorage(), boot: .boot)
    }

    convenience init(
        _ configuration: Configuration, storage: any JournalStorage, boot: JournalID
    ) throws(JournalError) {
        try configuration.check()
        guard let spool = configuration.folder else {
            self.init(try .anonymous(configuration))
            return
        }
        for number in 0..<Self.maximumJournals {
            let folder = "\(spool)/\(number)"
            let lock: (any JournalLock)?
            do throws(SystemError) {
                lock = try Self.lock(folder, storage)
            } catch {
                throw JournalError("opening the spool \(folder)", error)
            }
            guard let lock else { continue }
            guard lock.keepsReservations else {
                lock.release()
                let reason = JournalError(
                    .unsupported,
                    "the spool \(folder): its file system does not promise that reserved space can be written. "
                        + "Events are kept in memory only, and are lost with the process; use ext4, XFS or tmpfs."
                )
                self.init(try .anonymous(configuration, fallback: reason))
                return
            }
            do throws(JournalError) {
                self.init(
                    try MappedOpening(
                        configuration, storage: storage, folder: folder, lock: lock, boot: boot))
                return
            } catch  where error.code == .unsupported {
                lock.release()
                self.init(try .anonymous(configuration, fallback: error))
                return
            } catch {
                lock.release()
                throw error
            }
        }
        throw JournalError(
            .locked,
            "the spool \(spool): all of its \(Self.maximumJournals) journals belong to living processes")
    }

    /// Makes the folder and takes its lock. Who removes a delivered journal may take it away between the two.
    private static func lock(
        _ folder: String, _ storage: any JournalStorage
    ) throws(SystemError) -> (any JournalLock)? {
        for _ in 0..<100 {
            try storage.createFolder(folder)
            do throws(SystemError) {
                return try storage.lock("\(folder)/\(JournalFiles.lock)")
            } catch {
                guard error.code == ENOENT else { throw error }
            }
        }
        throw SystemError(code: ENOENT)
    }

    /// Takes over the journal of a dead process, to deliver what it left: under its streams, to the endpoint that it
    /// was going to (``RecoveredJournal/DeadOwner/endpoint``). It has one shard, for the events of contexts that were
    /// open (``RecoveredJournal/openSlots``). When all is delivered, ``closeAndRemove()``.
    /// - Parameter folder: one of ``deadJournals(inSpool:)``.
    /// - Throws: `locked` when its owner lives, or somebody else was faster; `damaged` when it is no journal.
    public convenience init(adopting folder: String, budgetBytes: Int = 256 << 20) throws(JournalError) {
        let storage = DiskStorage()
        let lock: (any JournalLock)?
        do throws(SystemError) {
            guard try storage.names(in: folder).contains(JournalFiles.head) else {
                throw SystemError(code: ENOENT)
            }
            lock = try storage.lock("\(folder)/\(JournalFiles.lock)")
        } catch {
            throw JournalError("adopting the journal \(folder)", error)
        }
        guard let lock else {
            throw JournalError(.locked, "adopting the journal \(folder): a living process owns it")
        }
        do throws(JournalError) {
            let configuration = Configuration(shards: 1, budgetBytes: budgetBytes, slots: 0)
            try configuration.check()
            self.init(
                try MappedOpening(
                    configuration, storage: storage, folder: folder, lock: lock, boot: .boot,
                    keepsEndpoint: true))
        } catch {
            lock.release()
            throw error
        }
    }

    /// The journals of a spool whose owners are dead, in the order of their numbers; those too that cannot be looked into.
    /// - Throws: `system` when the spool itself cannot be listed. One that does not exist has none.
    public static func deadJournals(inSpool spool: String) throws(JournalError) -> [String] {
        let storage = DiskStorage()
        do throws(SystemError) {
            let numbers = try storage.names(in: spool).compactMap { Int($0) }.sorted()
            var dead: [String] = []
            for number in numbers {
                let folder = "\(spool)/\(number)"
                do throws(SystemError) {
                    guard try storage.names(in: folder).contains(JournalFiles.head),
                        let lock = try storage.lock("\(folder)/\(JournalFiles.lock)")
                    else { continue }
                    lock.release()
                } catch {
                    // Adopting it will say what is wrong; the others are not to suffer for it.
                }
                dead.append(folder)
            }
            return dead
        } catch {
            throw JournalError("listing the spool \(spool)", error)
        }
    }
}

extension MappedJournal {
    /// Removes what a process left that was killed while it removed a delivered journal: folders with nothing in them but
    /// a lock that nobody holds.
    public static func removeRemains(inSpool spool: String) {
        let storage = DiskStorage()
        let numbers = ((try? storage.names(in: spool)) ?? []).compactMap { Int($0) }
        for number in numbers {
            let folder = "\(spool)/\(number)"
            let path = "\(folder)/\(JournalFiles.lock)"
            func isBare() -> Bool {
                (try? storage.names(in: folder)).map { $0.allSatisfy { $0 == JournalFiles.lock } } ?? false
            }
            // The lock first: whoever is about to make a journal here holds it, or makes the folder again.
            guard isBare(), let lock = try? storage.lock(path) else { continue }
            if isBare() {
                try? storage.remove(path)
                try? storage.removeFolder(folder)
            }
            lock.release()
        }
    }
}

extension MappedOpening {
    fileprivate static func anonymous(
        _ configuration: MappedJournal.Configuration, fallback: JournalError? = nil
    ) throws(JournalError) -> MappedOpening {
        let storage = MemoryStorage()
        let lock: any JournalLock
        do throws(SystemError) {
            guard let taken = try storage.lock(JournalFiles.lock) else { throw SystemError(code: EAGAIN) }
            lock = taken
        } catch {
            throw JournalError("making an anonymous journal", error)
        }
        return try MappedOpening(
            configuration, storage: storage, folder: "", lock: lock, boot: .boot, fallback: fallback)
    }
}

extension MappedJournal.Configuration {
    /// Names the first setting that is out of range.
    func check() throws(JournalError) {
        func require(_ holds: Bool, _ text: @autoclosure () -> String) throws(JournalError) {
            if !holds { throw JournalError(.configuration, text()) }
        }
        try require(
            (1...Int(SegmentHeader.maximumShard)).contains(shards),
            "shards is \(shards): 1 to \(SegmentHeader.maximumShard)")
        try require(
            (16 << 10...1 << 30).contains(segmentBytes) && segmentBytes % 4096 == 0,
            "segmentBytes is \(segmentBytes): a multiple of 4,096 from 16,384 to 1,073,741,824")
        try require(
            budgetBytes >= (shards + 1) * segmentBytes,
            "budgetBytes is \(budgetBytes): at least one segment more than shards, "
                + "\((shards + 1) * segmentBytes) with these settings")
        try require((0...1 << 20).contains(slots), "slots is \(slots): 0 to 1,048,576")
        try require(
            endpoint.utf8.count <= JournalHead.maximumEndpointBytes,
            "endpoint has \(endpoint.utf8.count) bytes: at most \(JournalHead.maximumEndpointBytes)")
        for (name, value) in [("host", host), ("service", service)] {
            try require(
                value.utf8.count <= JournalHead.maximumNameBytes,
                "\(name) has \(value.utf8.count) bytes: at most \(JournalHead.maximumNameBytes)")
        }
    }
}
