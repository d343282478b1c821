public import Skein
public import SkeinHTTP

extension HTTPHeaders: PropagationCarrier {
    public func propagatedValue(for name: String) -> String? { self[name] }
    public mutating func setPropagatedValue(_ value: String, for name: String) { self[name] = value }
}

/// Runs what answers a request inside its `request` context, which continues the caller's tree: the status, the size
/// and the error are in the event, whichever way it ends.
func answering(
    _ request: HTTPRequest, _ body: (ServerRequest) throws -> BSONDocument
) -> HTTPResponse {
    do {
        return try withRequest(method: request.method, path: request.target, headers: request.headers) {
            (context) throws -> HTTPResponse in
            do {
                let answer = HTTPResponse.json(try ExtendedJSON.encode(try body(context), .relaxed) + "\n")
                context.status = answer.status
                context.responseSize = answer.body.count
                return answer
            } catch {
                context.status = (error as? any RequestFailure)?.status ?? 500
                throw error
            }
        }
    } catch {
        let failure = error as? any RequestFailure
        // What went wrong inside is in the event; the outside gets no details.
        let answer: BSONDocument = ["error": .string(failure?.description ?? "internal error")]
        let text = (try? ExtendedJSON.encode(answer, .relaxed)) ?? "{}"
        return .json(text + "\n", status: failure?.status ?? 500)
    }
}

extension HTTPRequest {
    /// A query's text, which has to be there.
    func text(_ name: String, length: ClosedRange<Int>) throws -> String {
        guard let text = query[name] else { throw BadQuery(description: "the query has no \(name)") }
        guard length.contains(text.count) else {
            throw BadQuery(
                description:
                    "\(name) has \(text.count) characters; \(length.lowerBound) to \(length.upperBound) are taken"
            )
        }
        return text
    }

    /// A query's number; the default if it is not given.
    func number(_ name: String, in range: ClosedRange<Int>, default value: Int) throws -> Int {
        guard let text = query[name] else { return value }
        guard let number = Int(text), range.contains(number) else {
            throw BadQuery(
                description:
                    "\(name) is `\(text.prefix(40))`; a number from \(range.lowerBound) to \(range.upperBound) is taken"
            )
        }
        return number
    }
}
