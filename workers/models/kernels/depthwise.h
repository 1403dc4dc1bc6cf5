// The gradient of a depthwise convolution's weights, channels last. oneDNN has a fast kernel of it for 3x3 only.

#ifndef FRONTSWEEP_DEPTHWISE_H
#define FRONTSWEEP_DEPTHWISE_H

#include "lanes.h"

struct Depthwise {
    long images, channels, height, width, out_height, out_width, kernel, stride, padding, threads;

    // Outputs along an axis, from `from` to before `to`, for which a tap falls inside the image.
    void inside(long tap, long side, long out_side, long& from, long& to) const {
        from = tap >= padding ? 0 : (padding - tap + stride - 1) / stride;
        const long reach = side - 1 + padding - tap;
        to = reach < 0 ? 0 : std::min(out_side, reach / stride + 1);
    }
};

// Adds one image's gradient of one tap, of `VECTORS` vectors of channels.
template <class L, long VECTORS, typename T>
INLINE inline void add_tap(const Depthwise& shape, const T* x, const T* grad, long row, long column,
                           typename L::Vector* sums) {
    long top, bottom, left, right;
    shape.inside(row, shape.height, shape.out_height, top, bottom);
    shape.inside(column, shape.width, shape.out_width, left, right);
    typename L::Vector local[VECTORS] = {};
    for (long h = top; h < bottom; ++h) {
        const long in_row = h * shape.stride + row - shape.padding;
        for (long w = left; w < right; ++w) {
            const long in_column = w * shape.stride + column - shape.padding;
            const T* values = x + (in_row * shape.width + in_column) * shape.channels;
            const T* gradients = grad + (h * shape.out_width + w) * shape.channels;
            for (long v = 0; v < VECTORS; ++v)
                local[v] += L::load(values + v * L::count) * L::load(gradients + v * L::count);
        }
    }
    for (long v = 0; v < VECTORS; ++v) sums[v] += local[v];
}

// The taps of one row of the kernel, of `VECTORS` vectors of channels from `start` on.
template <class L, long VECTORS, typename T>
void depthwise_row(const Depthwise& shape, const T* x, const T* grad, long row, long start, T* grad_weights) {
    std::vector<typename L::Vector> sums(shape.kernel * VECTORS, typename L::Vector{});
    for (long image = 0; image < shape.images; ++image) {
        const T* values = x + image * shape.height * shape.width * shape.channels + start;
        const T* gradients = grad + image * shape.out_height * shape.out_width * shape.channels + start;
        for (long column = 0; column < shape.kernel; ++column)
            add_tap<L, VECTORS>(shape, values, gradients, row, column, &sums[column * VECTORS]);
    }
    for (long column = 0; column < shape.kernel; ++column)
        for (long i = 0; i < VECTORS * L::count; ++i)
            grad_weights[((start + i) * shape.kernel + row) * shape.kernel + column] =
                sums[column * VECTORS + i / L::count][i % L::count];
}

template <typename T>
void depthwise_weights(const Depthwise& shape, const T* x, const T* grad, T* grad_weights) {
    constexpr long vectors = 4, width = vectors * whole<T>;  // channels that are visited together
    const long blocks = (shape.channels + width - 1) / width;
    parallel(blocks * shape.kernel, shape.threads, [&](long first, long last) {
        for (long unit = first; unit < last; ++unit) {
            const long start = unit / shape.kernel * width, row = unit % shape.kernel;
            if (start + width <= shape.channels)
                depthwise_row<Lanes<T, whole<T>>, vectors>(shape, x, grad, row, start, grad_weights);
            else
                for_vectors<T>(start, shape.channels, [&](auto lanes, long channel) {
                    depthwise_row<decltype(lanes), 1>(shape, x, grad, row, channel, grad_weights);
                });
        }
    });
}

#endif
