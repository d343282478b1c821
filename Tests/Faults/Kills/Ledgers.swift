import SkeinBSON

/// The equations of a collector's account, at a quiet moment.
struct Ledgers {
    private let status: BSONDocument
    private let name: String

    init(_ status: BSONDocument, name: String) {
        self.status = status
        self.name = name
    }

    /// - Parameter events: how many documents its files hold.
    func check(events: Int, _ findings: inout Findings) {
        guard let hop = status["ledger"]?.documentValue, let outlets = status["outlets"]?.documentValue else {
            findings.add("\(name): STATUS has no ledger: \(text(status))")
            return
        }
        let fates =
            number(hop, "journaled") + number(hop, "duplicate") + sum(hop, "rejected") + sum(hop, "dropped")
        if number(hop, "received") != fates {
            findings.add("\(name): received is not journaled + duplicate + rejected + dropped: \(text(hop))")
        }
        if sum(hop, "rejected") != 0 || number(hop, "lost_upstream") != 0 {
            findings.add("\(name): something was rejected or lost upstream: \(text(hop))")
        }
        for (outlet, value) in outlets {
            guard let account = value.documentValue else { continue }
            let fates =
                number(account, "delivered") + number(account, "not_routed") + number(account, "rejected")
                + sum(account, "dropped")
            if number(account, "read") != fates {
                findings.add("\(name): \(outlet) has read what it has not told the fate of: \(text(account))")
            }
            if number(account, "read") != number(hop, "journaled") {
                findings.add(
                    "\(name): \(outlet) has not read what was journaled: \(text(account)), \(text(hop))")
            }
            if number(account, "delivered") != number(account, "read") {
                findings.add("\(name): \(outlet) has not delivered what it read: \(text(account))")
            }
        }
        if number(hop, "journaled") != Int64(events) {
            findings.add("\(name): \(events) events in the files, and another number journaled: \(text(hop))")
        }
    }

    private func text(_ document: BSONDocument) -> String {
        (try? ExtendedJSON.encode(document, .relaxed)) ?? "\(document)"
    }

    private func number(_ document: BSONDocument, _ key: String) -> Int64 {
        document[key]?.intValue ?? -1
    }

    private func sum(_ document: BSONDocument, _ key: String) -> Int64 {
        document[key]?.documentValue?.reduce(0) { $0 + ($1.value.intValue ?? 0) } ?? -1
    }
}
