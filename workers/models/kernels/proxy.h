// The statistics of proxy norm's proxy. With u = a * quantile + b, a = gamma * (1 + deviation) and
// b = gamma * centre + beta: the mean of silu(u) over the quantiles, 1 / sqrt(its variance + epsilon), and how both
// change with a and b, which is all that the backward pass needs.

#ifndef FRONTSWEEP_PROXY_H
#define FRONTSWEEP_PROXY_H

#include "lanes.h"

// The proxy's own parameters, one value per channel each.
template <typename T>
struct Proxy {
    const T *centre, *deviation, *quantiles;
    long count;
    double epsilon;
};

// Mean, inverse deviation, and 4 x channels of derivatives: mean by a, mean by b, inverse deviation by a, by b.
template <typename T>
struct ProxyStatistics {
    T *mean, *inverse_deviation, *derivatives;
};

// Sums over the quantiles: z, z^2, slope, slope * quantile, slope * z, slope * z * quantile; slope is that of silu.
constexpr long kProxySums = 6;

template <class L, typename T>
void proxy_sums(typename L::Vector a, typename L::Vector b, typename L::Vector origin, const Proxy<T>& proxy,
                double (*totals)[L::count]) {
    using V = typename L::Vector;
    constexpr long portion = 25;  // sums in the format of the parameters run over so many, sums in double over all
    for (long start = 0; start < proxy.count; start += portion) {
        V sums[kProxySums] = {};
        for (long q = start; q < std::min(start + portion, proxy.count); ++q) {
            const T quantile = proxy.quantiles[q];
            const V u = a * quantile + b, sigma = L::sigmoid(u);
            const V slope = sigma + u * sigma * (1 - sigma), z = u * sigma - origin;
            sums[0] += z;
            sums[1] += z * z;
            sums[2] += slope;
            sums[3] += slope * quantile;
            sums[4] += slope * z;
            sums[5] += slope * z * quantile;
        }
        for (long i = 0; i < kProxySums; ++i)
            for (long lane = 0; lane < L::count; ++lane) totals[i][lane] += static_cast<double>(sums[i][lane]);
    }
}

// Writes the statistics of one vector of channels from `start` on.
template <class L, typename T>
void write_statistics(long channels, long start, const T* gamma, const T* beta, const Proxy<T>& proxy,
                      const ProxyStatistics<T>& to) {
    using V = typename L::Vector;
    const V scale = L::load(gamma + start), a = scale * (1 + L::load(proxy.deviation + start));
    const V b = scale * L::load(proxy.centre + start) + L::load(beta + start);
    const V origin = b * L::sigmoid(b);  // near the mean, so that the variance loses nothing
    double totals[kProxySums][L::count] = {};
    proxy_sums<L>(a, b, origin, proxy, totals);
    for (long lane = 0; lane < L::count; ++lane) {
        const auto average = [&](long i) { return totals[i][lane] / static_cast<double>(proxy.count); };
        const double inverse = 1.0 / std::sqrt(average(1) - average(0) * average(0) + proxy.epsilon);
        const double cube = inverse * inverse * inverse;
        const long c = start + lane;
        to.mean[c] = static_cast<T>(average(0) + static_cast<double>(origin[lane]));
        to.inverse_deviation[c] = static_cast<T>(inverse);
        to.derivatives[c] = static_cast<T>(average(3));
        to.derivatives[channels + c] = static_cast<T>(average(2));
        to.derivatives[2 * channels + c] = static_cast<T>(-cube * (average(5) - average(0) * average(3)));
        to.derivatives[3 * channels + c] = static_cast<T>(-cube * (average(4) - average(0) * average(2)));
    }
}

template <typename T>
void proxy_statistics(const Shape& shape, const T* gamma, const T* beta, const Proxy<T>& proxy,
                      const ProxyStatistics<T>& to) {
    const long blocks = (shape.channels + whole<T> - 1) / whole<T>;
    parallel(blocks, shape.threads, [&](long first, long last) {
        const long end = std::min(last * whole<T>, shape.channels);
        for_vectors<T>(first * whole<T>, end, [&](auto lanes, long channel) {
            write_statistics<decltype(lanes)>(shape.channels, channel, gamma, beta, proxy, to);
        });
    });
}

// Takes gradients of mean and inverse deviation on to the parameters: adds to those of gamma and beta, writes the
// others.
template <typename T>
void proxy_gradients(const Shape& shape, const T* gamma, const Proxy<T>& proxy, const T* derivatives, const T* by_mean,
                     const T* by_inverse, T* grad_gamma, T* grad_beta, T* grad_centre, T* grad_deviation) {
    const T *mean_a = derivatives, *mean_b = mean_a + shape.channels, *inverse_a = mean_b + shape.channels;
    const T* inverse_b = inverse_a + shape.channels;
    for (long c = 0; c < shape.channels; ++c) {
        const T by_a = by_mean[c] * mean_a[c] + by_inverse[c] * inverse_a[c];
        const T by_b = by_mean[c] * mean_b[c] + by_inverse[c] * inverse_b[c];
        grad_gamma[c] += by_a * (T(1) + proxy.deviation[c]) + by_b * proxy.centre[c];
        grad_beta[c] += by_b;
        grad_centre[c] = by_b * gamma[c];
        grad_deviation[c] = by_a * gamma[c];
    }
}

#endif
