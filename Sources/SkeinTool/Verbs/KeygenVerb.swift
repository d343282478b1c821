import SkeinPlatform
import SkeinZeroMQ

/// `skein keygen`: makes a pair of CURVE keys.
enum KeygenVerb: Verb {
    static let help = Help.keygen

    static func run(_ arguments: [String], _ console: Console) throws(ToolFailure) -> Int32 {
        let options = try CommandLineOptions.read("keygen", arguments, [])
        if options.has(.help) {
            try console.output.writeLine(help)
            return ExitCode.done
        }
        guard options.operands.count <= 1 else { throw .usage("keygen takes one FILE at most") }
        let keys: CurveKeyPair
        do throws(ZMQError) {
            keys = try CurveKeyPair.generate()
        } catch {
            throw .failed("\(error)")
        }
        if let file = options.operands.first {
            // The public key first: if its file cannot be made, no secret lies about.
            try write(keys.publicKey.z85, to: file + ".pub", permissions: 0o644)
            do throws(ToolFailure) {
                try write(keys.secretKey.z85, to: file, permissions: 0o600)
            } catch {
                unlink(file + ".pub")
                throw error
            }
            try console.output.writeLine(
                "secret key in \(SafeText.of(file)), public key in \(SafeText.of(file)).pub")
        } else {
            try console.output.writeLine("public \(keys.publicKey.z85)")
            try console.output.writeLine("secret \(keys.secretKey.z85)")
        }
        return ExitCode.done
    }

    private static func write(_ key: String, to path: String, permissions: mode_t) throws(ToolFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, permissions)
        guard descriptor >= 0 else {
            throw .failed("cannot create \(SafeText.of(path)): \(SystemError.current)")
        }
        let sink = OutputSink(descriptor: descriptor)
        do throws(ToolFailure) {
            try sink.writeLine(key)
            try sink.flush()
        } catch {
            close(descriptor)
            unlink(path)
            throw error
        }
        guard close(descriptor) == 0 else {
            let failure = SystemError.current
            unlink(path)
            throw .failed("cannot write \(SafeText.of(path)): \(failure)")
        }
    }
}
