// Norm, activation and proxy:
//
//   x^  = (x - mean) / sqrt(variance + epsilon)    over a group of an image, or over a channel of the batch
//   z   = silu(gamma * x^ + beta)                  or without silu
//   out = (z - m) * s                              m and s of the proxy, where there is one
//
// The backward pass computes all of it again, so that nothing but x and the statistics is kept, and reads nothing but x
// and the gradient, twice; the second time an image is in the cache where the norm is one of groups.

#ifndef FRONTSWEEP_NORM_H
#define FRONTSWEEP_NORM_H

#include "lanes.h"
#include "moments.h"

// One value per channel each.
template <typename T>
struct Parameters {
    const T *gamma, *beta, *m, *s;
};

// Everything about one forward pass that its parts share.
template <typename T>
struct Forward {
    Shape shape;
    const T* x;
    Parameters<T> parameters;
    Statistics<T> statistics;
    T *out, *means;  // either may be null
    bool unscale_means = false;  // the means are those of z - m
};

// Normalises, activates and writes one part of an image, sums up its channels, or both.
template <typename T, class Layout, bool ACTIVATE, bool WRITE, bool SUM>
void write_part(const Forward<T>& of, long image, long part, long parts, PerChannel<T>& scratch, double* sums) {
    T *shift = scratch[0], *scale = scratch[1], *proxy_scale = scratch[2], *proxy_shift = scratch[3];
    of.statistics.spread(of.shape, image, shift, scale);
#pragma omp simd
    for (long c = 0; c < of.shape.channels; ++c) {
        scale[c] *= of.parameters.gamma[c];
        shift[c] = of.parameters.beta[c] - shift[c] * scale[c];
        proxy_scale[c] = of.parameters.s[c];
        proxy_shift[c] = -of.parameters.m[c] * of.parameters.s[c];
    }
    Layout::template strips<T>(of.shape, image, part, parts, [&](auto lanes, const Strip& strip) INLINE {
        using L = decltype(lanes);
        using V = typename L::Vector;
        const V a = Layout::template coefficient<L>(scale, strip), b = Layout::template coefficient<L>(shift, strip);
        const V s = Layout::template coefficient<L>(proxy_scale, strip);
        const V t = Layout::template coefficient<L>(proxy_shift, strip);
        V sum = {};
        strip.each([&](long offset) INLINE {
            const V y = L::load(of.x + offset) * a + b;
            const V value = (ACTIVATE ? y * L::sigmoid(y) : y) * s + t;
            if (WRITE) L::store(of.out + offset, value);
            if (SUM) sum += value;
        });
        if (SUM) Layout::template add<L>(sums, strip, sum);
    });
}

// Means over the pixels of an image from the sums of its parts.
template <typename T>
void set_means(const Forward<T>& of, long image, const PerChannel<double>& sums, long first, long last) {
    for (long c = 0; c < of.shape.channels; ++c) {
        double total = 0;
        for (long row = first; row < last; ++row) total += sums[row][c];
        const double mean = total / static_cast<double>(of.shape.pixels);
        of.means[image * of.shape.channels + c] =
            static_cast<T>(of.unscale_means ? mean / static_cast<double>(of.parameters.s[c]) : mean);
    }
}

// Writes all images with the statistics that are there.
template <typename T, class Layout, bool ACTIVATE>
class Writer {
  public:
    explicit Writer(const Forward<T>& of)
        : of_(of), write_(!of.means ? write_part<T, Layout, ACTIVATE, true, false>
                          : of.out  ? write_part<T, Layout, ACTIVATE, true, true>
                                    : write_part<T, Layout, ACTIVATE, false, true>) {}

    void image(long image, PerChannel<T>& scratch, PerChannel<double>& sums) const {
        if (of_.means) sums.clear();
        write_(of_, image, 0, 1, scratch, sums[0]);
        if (of_.means) set_means(of_, image, sums, 0, 1);
    }
    void all(long parts) const {
        const Shape& shape = of_.shape;
        PerChannel<double> sums(shape.channels, of_.means ? shape.images * parts : 0);
        parallel(shape.images * parts, shape.threads, [&](long first, long last) {
            PerChannel<T> scratch(shape.channels, 4);
            for (long unit = first; unit < last; ++unit)
                write_(of_, unit / parts, unit % parts, parts, scratch, of_.means ? sums[unit] : nullptr);
        });
        for (long image = 0; of_.means && image < shape.images; ++image)
            set_means(of_, image, sums, image * parts, (image + 1) * parts);
    }

  private:
    Forward<T> of_;
    void (*write_)(const Forward<T>&, long, long, long, PerChannel<T>&, double*);
};

// Group norm, image by image: each is in the cache when it is read again.
template <typename T, class Layout, class Write>
void forward_by_image(const Forward<T>& of, double epsilon, const Write& write) {
    parallel(of.shape.images, of.shape.threads, [&](long first, long last) {
        PerChannel<T> scratch(of.shape.channels, 4);
        PerChannel<double> sums(of.shape.channels);
        ChannelMoments<T, Layout> moments(of.shape);
        for (long image = first; image < last; ++image) {
            moments.reset(of.x, image);
            moments.add_part(of.x, image, 0, 1);
            moments.set_groups(image, epsilon, of.statistics);
            write.image(image, scratch, sums);
        }
    });
}

// Moments of all parts of some images, summed up; threads share them out.
template <typename T, class Layout>
ChannelMoments<T, Layout> collect(const Forward<T>& of, long first_image, long last_image, long parts) {
    ChannelMoments<T, Layout> all(of.shape);
    all.reset(of.x, first_image);
    parallel((last_image - first_image) * parts, of.shape.threads, [&](long first, long last) {
        ChannelMoments<T, Layout> own(of.shape);
        own.reset(of.x, first_image);
        for (long unit = first; unit < last; ++unit)
            own.add_part(of.x, first_image + unit / parts, unit % parts, parts);
#pragma omp critical(frontsweep_moments)
        all.add(own);
    });
    return all;
}

template <typename T, class Layout, bool ACTIVATE>
void norm_forward(const Forward<T>& of, double epsilon, bool given, const Running<T>& running) {
    const Shape& shape = of.shape;
    const long parts = Layout::parts(shape);
    const Writer<T, Layout, ACTIVATE> write(of);
    if (of.statistics.groups && parts == 1) return forward_by_image<T, Layout>(of, epsilon, write);
    if (!of.statistics.groups && !given)
        collect<T, Layout>(of, 0, shape.images, parts).set_channels(epsilon, of.statistics, running);
    for (long image = 0; of.statistics.groups && image < shape.images; ++image)
        collect<T, Layout>(of, image, image + 1, parts).set_groups(image, epsilon, of.statistics);
    write.all(parts);
}

// Everything about one backward pass that its parts share.
template <typename T>
struct Backward {
    Shape shape;
    const T *x, *grad, *grad_means, *means;  // the gradients of `out` and of its means; either may be null
    Parameters<T> parameters;
    Statistics<T> statistics;
    T* grad_x;
};

// Sums per channel: of dy, dy * x^, g and g * z.
constexpr long kSums = 4;

// What an image's gradient is computed from, one value per channel.
template <typename T>
class Coefficients {
  public:
    explicit Coefficients(const Shape& shape) : values_(shape.channels, 8) {}

    void start(const Backward<T>& of, long image) {
        T *scale = values_[0], *shift = values_[1], *gamma = values_[2], *beta = values_[3], *s = values_[4];
        of.statistics.spread(of.shape, image, shift, scale);
#pragma omp simd
        for (long c = 0; c < of.shape.channels; ++c) {
            shift[c] *= -scale[c];
            gamma[c] = of.parameters.gamma[c];
            beta[c] = of.parameters.beta[c];
            s[c] = of.parameters.s[c];
        }
        if (!of.grad_means) return;
        const T *from = of.grad_means + image * of.shape.channels, share = T(1) / T(of.shape.pixels);
        T* mean = values_[5];
#pragma omp simd
        for (long c = 0; c < of.shape.channels; ++c) mean[c] = from[c] * s[c] * share;
    }
    // Takes the means over each group of the gradient of x^, and of its product with x^, from sums over some images.
    void centre(const Backward<T>& of, long images, const PerChannel<double>& sums) {
        const long width = of.statistics.width(of.shape);
        const double share = 1.0 / static_cast<double>(images * of.shape.pixels * width);
        const T *scale = values_[0], *gamma = of.parameters.gamma;
        T *slope = values_[6], *constant = values_[7];
        const double *dy = sums[0], *dy_normal = sums[1];
        if (width == 1) {
#pragma omp simd
            for (long c = 0; c < of.shape.channels; ++c) {
                slope[c] = -scale[c] * gamma[c] * static_cast<T>(dy_normal[c] * share);
                constant[c] = -scale[c] * gamma[c] * static_cast<T>(dy[c] * share);
            }
            return;
        }
        for (long begin = 0; begin < of.shape.channels; begin += width) {
            double mean = 0, product = 0;
#pragma omp simd reduction(+ : mean, product)
            for (long c = begin; c < begin + width; ++c) {
                mean += static_cast<double>(gamma[c]) * dy[c];
                product += static_cast<double>(gamma[c]) * dy_normal[c];
            }
            std::fill_n(constant + begin, width, -scale[begin] * static_cast<T>(mean * share));
            std::fill_n(slope + begin, width, -scale[begin] * static_cast<T>(product * share));
        }
    }
    const T* operator[](long row) const { return values_[row]; }

  private:
    PerChannel<T> values_;
};

// Writes dy of one part of an image where the gradient of x will be, and sums up.
template <typename T, class Layout, bool ACTIVATE>
void start_gradient(const Backward<T>& of, const Coefficients<T>& coefficients, long image, long part, long parts,
                    PerChannel<double>& sums) {
    Layout::template strips<T>(of.shape, image, part, parts, [&](auto lanes, const Strip& strip) INLINE {
        using L = decltype(lanes);
        using V = typename L::Vector;
        const auto row = [&](long index) { return Layout::template coefficient<L>(coefficients[index], strip); };
        const V scale = row(0), shift = row(1), gamma = row(2), beta = row(3), s = row(4), from_means = row(5);
        V sum_dy = {}, sum_dy_normal = {}, sum_g = {}, sum_g_z = {};
        strip.each([&](long offset) INLINE {
            const V g = of.grad ? L::load(of.grad + offset) : V{};
            const V normal = L::load(of.x + offset) * scale + shift;
            const V y = normal * gamma + beta;
            const V sigma = ACTIVATE ? L::sigmoid(y) : L::broadcast(T(1));
            const V z = y * sigma;
            const V slope = ACTIVATE ? sigma + z * (1 - sigma) : sigma;
            const V dy = (g * s + from_means) * slope;
            L::store(of.grad_x + offset, dy);
            sum_dy += dy;
            sum_dy_normal += dy * normal;
            sum_g += g;
            sum_g_z += g * z;
        });
        const V all[kSums] = {sum_dy, sum_dy_normal, sum_g, sum_g_z};
        for (long i = 0; i < kSums; ++i) Layout::template add<L>(sums[i], strip, all[i]);
    });
}

// Turns dy into the gradient of x.
template <typename T, class Layout>
void finish_gradient(const Backward<T>& of, const Coefficients<T>& coefficients, long image, long part, long parts) {
    Layout::template strips<T>(of.shape, image, part, parts, [&](auto lanes, const Strip& strip) INLINE {
        using L = decltype(lanes);
        using V = typename L::Vector;
        const auto row = [&](long index) { return Layout::template coefficient<L>(coefficients[index], strip); };
        const V factor = row(0) * row(2), slope = row(0) * row(6), constant = row(1) * row(6) + row(7);
        strip.each([&](long offset) INLINE {
            const V dy = L::load(of.grad_x + offset);
            L::store(of.grad_x + offset, dy * factor + (L::load(of.x + offset) * slope + constant));
        });
    });
}

// Group norm, image by image: each is in the cache when it is read again.
template <typename T, class Layout, bool ACTIVATE>
void backward_by_image(const Backward<T>& of, PerChannel<double>& totals) {
    parallel(of.shape.images, of.shape.threads, [&](long first, long last) {
        Coefficients<T> coefficients(of.shape);
        PerChannel<double> sums(of.shape.channels, kSums), own(of.shape.channels, kSums);
        for (long image = first; image < last; ++image) {
            sums.clear();
            coefficients.start(of, image);
            start_gradient<T, Layout, ACTIVATE>(of, coefficients, image, 0, 1, sums);
            coefficients.centre(of, 1, sums);
            finish_gradient<T, Layout>(of, coefficients, image, 0, 1);
            own.add(sums);
        }
#pragma omp critical(frontsweep_gradient)
        totals.add(own);
    });
}

// Some images whose statistics are shared, in parts: first all sums, then all gradients.
template <typename T, class Layout, bool ACTIVATE>
void backward_by_part(const Backward<T>& of, long first_image, long last_image, long parts,
                      PerChannel<double>& totals) {
    const long images = last_image - first_image;
    PerChannel<double> sums(of.shape.channels, kSums);
    parallel(images * parts, of.shape.threads, [&](long first, long last) {
        Coefficients<T> coefficients(of.shape);
        PerChannel<double> own(of.shape.channels, kSums);
        for (long unit = first; unit < last; ++unit) {
            coefficients.start(of, first_image + unit / parts);
            start_gradient<T, Layout, ACTIVATE>(of, coefficients, first_image + unit / parts, unit % parts, parts, own);
        }
#pragma omp critical(frontsweep_gradient)
        sums.add(own);
    });
    parallel(images * parts, of.shape.threads, [&](long first, long last) {
        Coefficients<T> coefficients(of.shape);
        for (long unit = first; unit < last; ++unit) {
            coefficients.start(of, first_image + unit / parts);
            coefficients.centre(of, images, sums);
            finish_gradient<T, Layout>(of, coefficients, first_image + unit / parts, unit % parts, parts);
        }
    });
    totals.add(sums);
}

// Gradients of gamma, beta, m and s.
template <typename T>
struct ParameterGradients {
    T *gamma, *beta, *m, *s;

    // All that reaches `out` reaches m by -s and s by (z - m).
    void write(const Backward<T>& of, const PerChannel<double>& sums) const {
        for (long c = 0; c < of.shape.channels; ++c) {
            const double centre = static_cast<double>(of.parameters.m[c]);
            const double scale = static_cast<double>(of.parameters.s[c]);
            double to_out = sums[2][c], to_s = sums[3][c] - centre * to_out;
            for (long image = 0; of.grad_means && image < of.shape.images; ++image) {
                const long at = image * of.shape.channels + c;
                to_out += static_cast<double>(of.grad_means[at]);
                to_s += static_cast<double>(of.grad_means[at]) * static_cast<double>(of.means[at]) / scale;
            }
            beta[c] = static_cast<T>(sums[0][c]);
            gamma[c] = static_cast<T>(sums[1][c]);
            m[c] = static_cast<T>(-scale * to_out);
            s[c] = static_cast<T>(to_s);
        }
    }
};

template <typename T, class Layout, bool ACTIVATE>
void norm_backward(const Backward<T>& of, const ParameterGradients<T>& to) {
    const long parts = Layout::parts(of.shape), images = of.shape.images;
    PerChannel<double> totals(of.shape.channels, kSums);
    if (of.statistics.groups && parts == 1)
        backward_by_image<T, Layout, ACTIVATE>(of, totals);
    else if (!of.statistics.groups)
        backward_by_part<T, Layout, ACTIVATE>(of, 0, images, parts, totals);
    for (long image = 0; of.statistics.groups && parts > 1 && image < images; ++image)
        backward_by_part<T, Layout, ACTIVATE>(of, image, image + 1, parts, totals);
    to.write(of, totals);
}

#endif
