// Mean and variance: of a group of channels of one image, or of a channel over the batch.

#ifndef FRONTSWEEP_MOMENTS_H
#define FRONTSWEEP_MOMENTS_H

#include "lanes.h"

// Mean and 1 / sqrt(variance + epsilon): one each per image and group, or per channel where `groups` is 0 (batch norm).
template <typename T>
struct Statistics {
    long groups;
    T *mean, *scale;

    long width(const Shape& shape) const { return groups ? shape.channels / groups : 1; }
    void set(long index, double mean_value, double variance) const {
        mean[index] = static_cast<T>(mean_value);
        scale[index] = static_cast<T>(1.0 / std::sqrt(variance));
    }
    // Writes an image's statistics channel by channel.
    void spread(const Shape& shape, long image, T* means, T* scales) const {
        if (!groups) {
            std::copy_n(mean, shape.channels, means);
            std::copy_n(scale, shape.channels, scales);
            return;
        }
        const long wide = width(shape);
        for (long group = 0; group < groups; ++group) {
            std::fill_n(means + group * wide, wide, mean[image * groups + group]);
            std::fill_n(scales + group * wide, wide, scale[image * groups + group]);
        }
    }
};

// The statistics that batch norm keeps for evaluation; both null where it keeps none.
template <typename T>
struct Running {
    T *mean, *variance;
    double factor;  // weight of a new batch

    // `new_variance` is without bias.
    void update(long channel, double new_mean, double new_variance) const {
        if (!mean) return;
        mean[channel] += static_cast<T>(factor * (new_mean - static_cast<double>(mean[channel])));
        variance[channel] += static_cast<T>(factor * (new_variance - static_cast<double>(variance[channel])));
    }
};

// Sums per channel, of the values and of their squares, both relative to some value of the channel, which is near
// enough to the mean that nothing cancels.
template <typename T, class Layout>
class ChannelMoments {
  public:
    explicit ChannelMoments(const Shape& shape) : shape_(shape), sums_(shape.channels, 2), origin_(shape.channels) {}

    // Starts anew; values will be relative to an image's first.
    void reset(const T* x, long image) {
        sums_.clear();
        const T* from = x + image * shape_.values();
        for (long c = 0; c < shape_.channels; ++c) origin_[0][c] = from[c * Layout::channel_step(shape_)];
    }
    void add_part(const T* x, long image, long part, long parts) {
        Layout::template strips<T>(shape_, image, part, parts, [&](auto lanes, const Strip& strip) INLINE {
            using L = decltype(lanes);
            using V = typename L::Vector;
            const V from = Layout::template coefficient<L>(origin_[0], strip);
            V sum = {}, square = {};
            strip.each([&](long offset) INLINE {
                const V distance = L::load(x + offset) - from;
                sum += distance;
                square += distance * distance;
            });
            Layout::template add<L>(sums_[0], strip, sum);
            Layout::template add<L>(sums_[1], strip, square);
        });
    }
    // Adds what another one has, which started at the same image.
    void add(const ChannelMoments& other) { sums_.add(other.sums_); }

    // All pixels of an image are in.
    void set_groups(long image, double epsilon, const Statistics<T>& statistics) const {
        const long width = statistics.width(shape_);
        const double pixels = static_cast<double>(shape_.pixels), count = pixels * static_cast<double>(width);
        const T* origin = origin_[0];
        const double *sum = sums_[0], *square = sums_[1];
        for (long group = 0; group < statistics.groups; ++group) {
            const long begin = group * width, end = begin + width;
            double total = 0, squares = 0;
#pragma omp simd reduction(+ : total)
            for (long c = begin; c < end; ++c) total += static_cast<double>(origin[c]) * pixels + sum[c];
            const double mean = total / count;
#pragma omp simd reduction(+ : squares)
            for (long c = begin; c < end; ++c) {
                const double distance = static_cast<double>(origin[c]) - mean;
                squares += square[c] + distance * (2 * sum[c] + distance * pixels);
            }
            statistics.set(image * statistics.groups + group, mean, squares / count + epsilon);
        }
    }

    // All pixels of all images are in.
    void set_channels(double epsilon, const Statistics<T>& statistics, const Running<T>& running) const {
        const double count = static_cast<double>(shape_.images * shape_.pixels);
        for (long c = 0; c < shape_.channels; ++c) {
            const double distance = sums_[0][c] / count;
            const double squares = std::max(sums_[1][c] - sums_[0][c] * distance, 0.0);
            const double mean = static_cast<double>(origin_[0][c]) + distance;
            statistics.set(c, mean, squares / count + epsilon);
            running.update(c, mean, squares / std::max(count - 1.0, 1.0));
        }
    }

  private:
    Shape shape_;
    PerChannel<double> sums_;
    PerChannel<T> origin_;
};

#endif
