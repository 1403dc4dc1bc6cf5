// Vectors as wide as the processor's, and the order in which a kernel visits an image.
//
// An image lies channels last (pixels x channels) or contiguous (channels x pixels). It is visited in strips: the same
// few channels of successive pixels, one in each lane (ChannelsLast), or successive pixels of one channel (Contiguous).
// Either way a strip's coefficients and sums stay in registers, and a kernel is written once.

#ifndef FRONTSWEEP_LANES_H
#define FRONTSWEEP_LANES_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

// The innermost loops are lambdas, and their sums stay in registers only if these are not called.
#define INLINE __attribute__((always_inline))

#if defined(__AVX512F__)
constexpr long kVectorBytes = 64;
#elif defined(__AVX__)
constexpr long kVectorBytes = 32;
#else
constexpr long kVectorBytes = 16;
#endif

// As many values as fill a vector.
template <typename T>
constexpr long whole = kVectorBytes / static_cast<long>(sizeof(T));

// Vectors of so many values.
template <typename T, long COUNT>
struct Lanes {
    typedef T Vector __attribute__((vector_size(COUNT * sizeof(T))));
    static constexpr long count = COUNT;

    INLINE static inline Vector load(const T* from) {
        Vector values;
        std::memcpy(&values, from, sizeof values);
        return values;
    }
    INLINE static inline void store(T* to, Vector values) { std::memcpy(to, &values, sizeof values); }
    INLINE static inline Vector broadcast(T value) { return value - Vector{}; }

    INLINE static inline Vector sigmoid(Vector x) { return 1 / (1 + exponential(-x, T())); }

  private:
    // exp(x) within 2 units in the last place; NaN stays NaN.
    INLINE static inline Vector exponential(Vector x, float) {
        typedef std::int32_t Bits __attribute__((vector_size(COUNT * sizeof(T))));
        x = x > 88.0f ? broadcast(88.0f) : x;
        x = x < -87.0f ? broadcast(-87.0f) : x;
        // Adding 1.5 * 2^23 rounds to an integer and leaves it in the lowest bits.
        const Vector shifted = x * 1.44269504f + 12582912.0f;
        const Vector n = shifted - 12582912.0f;
        Vector r = x - n * 0.693359375f;
        r = r + n * 2.12194440e-4f;
        Vector p = 1.9875691500e-4f * r + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
        p = p * (r * r) + r + 1.0f;
        return p * Vector((Bits(shifted) << 23) + (127 << 23));
    }
    static Vector exponential(Vector x, double) {
        for (long lane = 0; lane < COUNT; ++lane) x[lane] = std::exp(x[lane]);
        return x;
    }
};

// Calls work(Lanes<...>, channel) for all vectors of some channels. Widths of networks are multiples of 8, so that
// whole and half vectors of 16 are all there is; the rest goes one by one.
template <typename T, class Work>
INLINE inline void for_vectors(long channel, long end, const Work& work) {
    constexpr long half = (whole<T> + 1) / 2;
    for (; channel + whole<T> <= end; channel += whole<T>) work(Lanes<T, whole<T>>(), channel);
    for (; channel + half <= end; channel += half) work(Lanes<T, half>(), channel);
    for (; channel < end; ++channel) work(Lanes<T, 1>(), channel);
}

// Calls work(first, last) on every thread with its share of `count` pieces of work.
template <class Work>
void parallel(long count, long threads, const Work& work) {
    const long shares = std::max(1L, std::min(count, threads));
#pragma omp parallel for schedule(static) num_threads(shares) if (shares > 1)
    for (long share = 0; share < shares; ++share) work(count * share / shares, count * (share + 1) / shares);
}

struct Shape {
    long images, channels, pixels;
    long threads;  // at most so many

    long values() const { return channels * pixels; }
};

// Values per channel, in rows.
template <typename T>
class PerChannel {
  public:
    explicit PerChannel(long channels, long rows = 1) : channels_(channels), values_(rows * channels) {}
    T* operator[](long row) { return values_.data() + row * channels_; }
    const T* operator[](long row) const { return values_.data() + row * channels_; }
    void clear() { std::fill(values_.begin(), values_.end(), T(0)); }
    void add(const PerChannel& other) {
        for (std::size_t i = 0; i < values_.size(); ++i) values_[i] += other.values_[i];
    }

  private:
    long channels_;
    std::vector<T> values_;
};

// `count` vectors, `step` values apart.
struct Strip {
    long channel, offset, count, step;

    template <class Work>
    INLINE inline void each(const Work& work) const {
        for (long index = 0; index < count; ++index) work(offset + index * step);
    }
};

// Sums in the format of the images run over a strip only; over strips they are added in double. Strips are short, too,
// so that what one leaves in the cache is there for the next.
struct ChannelsLast {
    // Few images leave threads idle: then each image is cut into so many parts.
    static long parts(const Shape& shape) {
        if (shape.images >= shape.threads) return 1;
        return std::max(1L, std::min((shape.threads + shape.images - 1) / shape.images, shape.pixels / 4));
    }
    static long channel_step(const Shape&) { return 1; }

    // Calls work(Lanes<...>, strip) for all strips of a part of an image.
    template <typename T, class Work>
    INLINE static void strips(const Shape& shape, long image, long part, long parts, const Work& work) {
        constexpr long rows = 64;
        const long end = shape.pixels * (part + 1) / parts;
        for (long pixel = shape.pixels * part / parts; pixel < end; pixel += rows) {
            const long offset = image * shape.values() + pixel * shape.channels, count = std::min(rows, end - pixel);
            const auto strip = [&](long channel) { return Strip{channel, offset + channel, count, shape.channels}; };
            for_vectors<T>(0, shape.channels, [&](auto lanes, long channel) INLINE { work(lanes, strip(channel)); });
        }
    }
    template <class L, typename T>
    INLINE static typename L::Vector coefficient(const T* values, const Strip& strip) {
        return L::load(values + strip.channel);
    }
    template <class L>
    INLINE static void add(double* totals, const Strip& strip, typename L::Vector sums) {
        for (long lane = 0; lane < L::count; ++lane) totals[strip.channel + lane] += static_cast<double>(sums[lane]);
    }
};

struct Contiguous {
    static long parts(const Shape&) { return 1; }
    static long channel_step(const Shape& shape) { return shape.pixels; }

    template <typename T, class Work>
    INLINE static void strips(const Shape& shape, long image, long, long, const Work& work) {
        constexpr long most = 64 * whole<T>;
        for (long channel = 0; channel < shape.channels; ++channel) {
            const long offset = image * shape.values() + channel * shape.pixels;
            for (long pixel = 0; pixel < shape.pixels; pixel += most) {
                const long count = std::min(most, shape.pixels - pixel) / whole<T>;
                work(Lanes<T, whole<T>>(), Strip{channel, offset + pixel, count, whole<T>});
            }
            const long rest = shape.pixels % whole<T>;
            if (rest) work(Lanes<T, 1>(), Strip{channel, offset + shape.pixels - rest, rest, 1});
        }
    }
    template <class L, typename T>
    INLINE static typename L::Vector coefficient(const T* values, const Strip& strip) {
        return L::broadcast(values[strip.channel]);
    }
    template <class L>
    INLINE static void add(double* totals, const Strip& strip, typename L::Vector sums) {
        double total = 0;
        for (long lane = 0; lane < L::count; ++lane) total += static_cast<double>(sums[lane]);
        totals[strip.channel] += total;
    }
};

#endif
