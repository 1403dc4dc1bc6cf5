// out = z * gate, one gate per image and channel. Backward: grad_z = g * gate, grad_gate = sum over pixels of g * z.

#ifndef FRONTSWEEP_GATE_H
#define FRONTSWEEP_GATE_H

#include "lanes.h"

template <typename T, class Layout>
void gate_backward(const Shape& shape, const T* grad, const T* z, const T* gate, T* grad_z, T* grad_gate) {
    const long parts = Layout::parts(shape);
    PerChannel<double> sums(shape.channels, shape.images * parts);
    parallel(shape.images * parts, shape.threads, [&](long begin, long end) {
        for (long unit = begin; unit < end; ++unit) {
            const T* factors = gate + unit / parts * shape.channels;
            const auto visit = [&](auto lanes, const Strip& strip) INLINE {
                using L = decltype(lanes);
                using V = typename L::Vector;
                const V factor = Layout::template coefficient<L>(factors, strip);
                V sum = {};
                strip.each([&](long offset) INLINE {
                    const V g = L::load(grad + offset);
                    L::store(grad_z + offset, g * factor);
                    sum += g * L::load(z + offset);
                });
                Layout::template add<L>(sums[unit], strip, sum);
            };
            Layout::template strips<T>(shape, unit / parts, unit % parts, parts, visit);
        }
    });
    for (long image = 0; image < shape.images; ++image)
        for (long c = 0; c < shape.channels; ++c) {
            double total = 0;
            for (long part = 0; part < parts; ++part) total += sums[image * parts + part][c];
            grad_gate[image * shape.channels + c] = static_cast<T>(total);
        }
}

#endif
