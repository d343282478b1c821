// spdlog: one formatted line of five values and a timing into a file sink. Prints nanoseconds a line, of this thread's processor time.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

static long long thread_time() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int, char **arguments) {
    long count = std::atol(arguments[1]);
    auto logger = spdlog::basic_logger_st("request", "/dev/null");
    for (long n = 0; n < count / 4; n += 1) logger->info("warm {}", n);
    long long start = thread_time();
    for (long n = 0; n < count; n += 1) {
        logger->info(
            "user_agent={} path={} status={} size={} cached={} request_time={}", "curl/7.88.1", "/search", 200, n, true,
            double(n) * 1e-9);
    }
    std::printf("%.1f\n", double(thread_time() - start) / double(count));
}
