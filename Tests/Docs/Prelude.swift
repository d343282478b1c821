// What the documentation's examples use without declaring it. Compiled only by `make docs-check`.

struct SampleRequest {
    var method = "GET"
    var path = "/"
    var headers: [String: String] = [:]
}

struct SampleResponse {
    var status = 200
    var body: [UInt8] = []
}

let request = SampleRequest()

func handle(_ request: SampleRequest) async throws -> SampleResponse { SampleResponse() }

struct SampleClient {
    func get(_ url: String, headers: [String: String]) async throws -> SampleResponse { SampleResponse() }
}

let client = SampleClient()
