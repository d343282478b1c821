import Skein
import SkeinPlatform

// skein-fork ENDPOINT SPOOL COUNT HOW: records before and after a fork, on both sides of it.
// "held" forks nothing: it opens trees of COUNT parts that hold them back, every other one of which fails, says the number of each
// that is over, and goes on until it is killed.
// HOW: "both" ends both sides in order; "orphan" kills the parent after the fork, and the child lives until its input ends.

/// `fork`, which Swift hides since hardly anything may be called in the child.
let fork: (@convention(c) () -> pid_t)? = dlsym(nil, "fork").map {
    unsafeBitCast($0, to: (@convention(c) () -> pid_t).self)
}

let arguments = CommandLine.arguments
guard arguments.count == 5, let count = Int(arguments[3]), let fork else { exit(2) }
do {
    try EventSystem.bootstrap(.init(endpoint: arguments[1], service: "forking", spool: arguments[2]))
} catch {
    print(error)
    exit(2)
}

if arguments[4] == "held" {
    struct Failure: Error {}
    var number = 0
    while true {
        try? withContext("kept", keep: .onError) { root in
            root["n"] = number
            for part in 0..<count {
                withContext(".part") { context in
                    context["n"] = number
                    context["part"] = part
                }
            }
            if number % 2 == 1 { throw Failure() }
        }
        print(number)
        fflush(nil)
        number += 1
    }
}

@MainActor func record(_ type: StaticString, _ numbers: Range<Int>) {
    for number in numbers {
        withContext(type) { context in context["n"] = number }
    }
}

record("parent", 0..<count)
var child: pid_t = 0
withContext("open") { context in
    context["before"] = true
    child = fork()
    if child == 0 {
        context["child"] = true
        record("child", 0..<count)
        withContext(".inner") { context in context["pid"] = Int(getpid()) }
    } else {
        context["parent"] = true
        if arguments[4] == "orphan" { kill(getpid(), SIGKILL) }
        record("parent", count..<2 * count)
    }
}
if child == 0 {
    let isFlushed = EventSystem.pipeline?.flushBlocking(timeout: .seconds(20)) ?? false
    print("child \(getpid()) \(isFlushed)")
    fflush(nil)
    if arguments[4] == "orphan" {
        var byte: UInt8 = 0
        while read(0, &byte, 1) > 0 {}
    }
    _exit(isFlushed ? 0 : 1)
}
var status: Int32 = 0
while waitpid(child, &status, 0) < 0, errno == EINTR {}
let isFlushed = EventSystem.pipeline?.flushBlocking(timeout: .seconds(20)) ?? false
print("parent \(getpid()) \(isFlushed) \(status)")
exit(isFlushed && status == 0 ? 0 : 1)
