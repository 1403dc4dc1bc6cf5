// What a network does between its matrix products, for fp32 on a CPU, in as few passes over memory as it can be done.
//
// The functions take pointers, no tensors: no header of torch or Python is needed, and one build serves all versions of
// both. OpenMP's runtime is the one that torch has loaded. `_float` is used, `_double` is for tests.

#include "depthwise.h"
#include "gate.h"
#include "norm.h"
#include "proxy.h"

namespace {

// What the proxy's scale is applied to; the values of the enumerators are part of the functions' interface.
enum class Scaled { all = 0, nothing = 1, values_alone = 2 };

// How a norm is called.
struct Call {
    bool channels_last, activate;
    Scaled scaled;
    bool given;  // batch norm with the running statistics
    double epsilon;
};

// Where a proxy's statistics are, or 0 and 1 where there is no proxy.
template <typename T>
class AppliedProxy {
  public:
    AppliedProxy(long channels, const ProxyStatistics<T>& of, Scaled scaled)
        : mean_(of.mean), scale_(scaled == Scaled::nothing ? nullptr : of.inverse_deviation),
          zeros_(mean_ ? 0 : channels, T(0)), ones_(scale_ ? 0 : channels, T(1)) {}
    const T* m() const { return mean_ ? mean_ : zeros_.data(); }
    const T* s() const { return scale_ ? scale_ : ones_.data(); }

  private:
    const T *mean_, *scale_;
    std::vector<T> zeros_, ones_;
};

template <typename T>
void forward(Forward<T> of, const Call& call, const Proxy<T>& proxy, const ProxyStatistics<T>& statistics,
             const Running<T>& running) {
    if (proxy.centre) proxy_statistics(of.shape, of.parameters.gamma, of.parameters.beta, proxy, statistics);
    const AppliedProxy<T> applied(of.shape.channels, statistics, call.scaled);
    of.parameters.m = applied.m();
    of.parameters.s = applied.s();
    of.unscale_means = call.scaled == Scaled::values_alone;
    std::vector<T> scales(call.given ? of.shape.channels : 0);
    if (call.given) {
        for (long c = 0; c < of.shape.channels; ++c)
            scales[c] = static_cast<T>(1.0 / std::sqrt(static_cast<double>(running.variance[c]) + call.epsilon));
        of.statistics.mean = running.mean;
        of.statistics.scale = scales.data();
    }
    const auto run =
        call.channels_last
            ? (call.activate ? norm_forward<T, ChannelsLast, true> : norm_forward<T, ChannelsLast, false>)
            : (call.activate ? norm_forward<T, Contiguous, true> : norm_forward<T, Contiguous, false>);
    run(of, call.epsilon, call.given, running);
}

// `grad_s` is the gradient of a scale that was left out; it may be null.
template <typename T>
void backward(Backward<T> of, const Call& call, const Proxy<T>& proxy, const ProxyStatistics<T>& statistics,
              const T* grad_s, T* grad_gamma, T* grad_beta, T* grad_centre, T* grad_deviation) {
    const long channels = of.shape.channels;
    const AppliedProxy<T> applied(channels, statistics, call.scaled);
    of.parameters.m = applied.m();
    of.parameters.s = applied.s();
    std::vector<T> by_mean(channels), by_inverse(channels);
    const auto run =
        call.channels_last
            ? (call.activate ? norm_backward<T, ChannelsLast, true> : norm_backward<T, ChannelsLast, false>)
            : (call.activate ? norm_backward<T, Contiguous, true> : norm_backward<T, Contiguous, false>);
    run(of, {grad_gamma, grad_beta, by_mean.data(), by_inverse.data()});
    if (!proxy.centre) return;
    if (call.scaled == Scaled::nothing) std::fill(by_inverse.begin(), by_inverse.end(), T(0));
    for (long c = 0; grad_s && c < channels; ++c) by_inverse[c] += grad_s[c];
    proxy_gradients(of.shape, of.parameters.gamma, proxy, statistics.derivatives, by_mean.data(), by_inverse.data(),
                    grad_gamma, grad_beta, grad_centre, grad_deviation);
}

}  // namespace

#define EXPORT(T) \
    void norm_forward_##T(long images, long channels, long pixels, long threads, int channels_last, long groups, \
                          int activate, int scaled, int given, double epsilon, const T* x, const T* gamma, \
                          const T* beta, const T* centre, const T* deviation, const T* quantiles, long count, \
                          double proxy_epsilon, T* m, T* s, T* derivatives, T* mean, T* scale, T* running_mean, \
                          T* running_variance, double factor, T* out, T* means) { \
        forward<T>({{images, channels, pixels, threads}, x, {gamma, beta, m, s}, {groups, mean, scale}, out, means}, \
                   {channels_last != 0, activate != 0, static_cast<Scaled>(scaled), given != 0, epsilon}, \
                   {centre, deviation, quantiles, count, proxy_epsilon}, {m, s, derivatives}, \
                   {running_mean, running_variance, factor}); \
    } \
    void norm_backward_##T(long images, long channels, long pixels, long threads, int channels_last, long groups, \
                           int activate, int scaled, const T* x, const T* grad, const T* grad_means, const T* grad_s, \
                           const T* means, const T* gamma, const T* beta, const T* centre, const T* deviation, \
                           T* m, T* s, T* derivatives, T* mean, T* scale, T* grad_x, T* grad_gamma, T* grad_beta, \
                           T* grad_centre, T* grad_deviation) { \
        backward<T>({{images, channels, pixels, threads}, x, grad, grad_means, means, {gamma, beta, m, s}, \
                     {groups, mean, scale}, grad_x}, \
                    {channels_last != 0, activate != 0, static_cast<Scaled>(scaled), false, 0.0}, \
                    {centre, deviation, nullptr, 0, 0.0}, \
                    {m, s, derivatives}, grad_s, grad_gamma, grad_beta, grad_centre, grad_deviation); \
    } \
    void gate_backward_##T(long images, long channels, long pixels, long threads, int channels_last, const T* grad, \
                           const T* z, const T* gate, T* grad_z, T* grad_gate) { \
        const auto run = channels_last ? gate_backward<T, ChannelsLast> : gate_backward<T, Contiguous>; \
        run({images, channels, pixels, threads}, grad, z, gate, grad_z, grad_gate); \
    } \
    void depthwise_weights_##T(long images, long channels, long height, long width, long out_height, long out_width, \
                               long kernel, long stride, long padding, long threads, const T* x, const T* grad, \
                               T* grad_weights) { \
        depthwise_weights<T>( \
            {images, channels, height, width, out_height, out_width, kernel, stride, padding, threads}, x, grad, \
            grad_weights); \
    }

extern "C" {
EXPORT(float)
EXPORT(double)
}
