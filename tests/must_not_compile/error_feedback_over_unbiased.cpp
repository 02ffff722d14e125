// expect: contractive_compressor
// Error feedback converges over contractive compressors; an unbiased one has to be damped first.
#include <pith/feedback/error_feedback.hpp>
#include <pith/feedback/random_k.hpp>

int main() {
    const pith::feedback::random_k<> code(8, 2, 1);
#if MISTAKE
    pith::feedback::error_feedback_worker worker(code);
#else
    pith::feedback::error_feedback_worker worker(pith::feedback::damped<pith::feedback::random_k<> >{code});
#endif
    return worker.max_encoded_size() == 8 ? 0 : 1;
}
