#include "separable.h"

#include "depthwise.h"
#include "parallel.h"
#include "product.h"

namespace pdas {
namespace {

// ReLU, or norm and ReLU, of one image into the inside of a bordered one.
template <class T>
void bordered(const T* in, int64_t in_channels, const Norm<T>* norm, int64_t count, const HalfShape& s, int64_t border,
              int64_t channels, T* out) {
  const int64_t row = (s.width + 2 * border) * channels;
  for (int64_t c = 0; c < channels; c += kLanes<T>) {
    Vector<T> mean{}, factor{}, shift{};
    if (norm) {
      mean = load(&norm->mean[c]);
      factor = load(&norm->factor[c]);
      shift = load(&norm->shift[c]);
    }
    for (int64_t y = 0; y < s.height; y++) {
      const T* from = in + y * s.width * in_channels + c;
      T* to = out + (y + border) * row + border * channels + c;
      if (norm) {
        for (int64_t x = 0; x < s.width; x++) {
          store(to + x * channels, relu<T>((load(from + x * in_channels) - mean) * factor + shift));
        }
      } else if (c < count) {
        for (int64_t x = 0; x < s.width; x++) {
          store(to + x * channels, relu<T>(load(from + x * in_channels, count - c)));
        }
      }
    }
  }
}

template <class T, int K, int S>
void forward(const HalfShape& s, const HalfInput<T>& input, const std::vector<T>& filters, const std::vector<T>& mix,
             T* z, double* statistics, bool fixed) {
  constexpr int64_t border = K / 2;
  const Order order = input.norm ? Order::kUp : Order::kDown;  // the second half comes after the first
  const int64_t in = padded(s.in), out = padded(s.out), pixels = s.out_pixels();
  const int64_t row = (s.width + 2 * border) * in;
  std::vector<double> means(fixed ? 0 : s.images * out), deviations(means.size());
  parallel(s.images, [&](int64_t begin, int64_t end) {
    std::vector<T> inside((s.height + 2 * border) * row), filtered(pixels * in);
    in_order(order, begin, end, [&](int64_t n) {
      const T* image = input.data + n * s.pixels() * input.channels;
      bordered(image, input.channels, input.norm, s.in, s, border, in, inside.data());
      filter<T, K, S>(inside.data(), row, in, filters.data(), filtered.data(), s.out_height(), s.out_width());
      T* to = z + n * pixels * out;
      product(filtered.data(), in, mix.data(), to, out, pixels, s.in, out);
      if (!fixed) image_statistics(to, pixels, out, &means[n * out], &deviations[n * out]);
    });
  });
  if (!fixed) merge_statistics(means, deviations, s.images, pixels, out, {{0, 0, s.out}}, s.out, statistics);
}

// The gradient of the input of one image, behind its ReLU, and its sums for the norm before.
template <class T>
void input_gradient(const T* gradient, int64_t gradient_row, const T* inside, int64_t row, const HalfShape& s,
                    const HalfInput<T>& input, const T* in_image, T* out, double* sums) {
  const int64_t channels = padded(s.in), count = input.norm ? channels : s.in;
  for (int64_t c = 0; c < count; c += kLanes<T>) {
    Vector<T> mean{}, inverse{}, plain{}, times{};
    if (input.norm) {
      mean = load(&input.norm->mean[c]);
      inverse = load(&input.norm->inverse[c]);
    }
    for (int64_t y = 0; y < s.height; y++) {
      for (int64_t x = 0; x < s.width; x++) {
        const int64_t at = (y * s.width + x) * input.channels + c;
        const Vector<T> g = relu_gradient<T>(load(gradient + y * gradient_row + x * channels + c),
                                             load(inside + y * row + x * channels + c));
        store(out + at, g, count - c);
        if (input.norm) {
          plain += g;
          times += g * ((load(in_image + at) - mean) * inverse);
        }
      }
    }
    if (input.norm) {
      for (int i = 0; i < kLanes<T>; i++) {
        sums[c + i] = plain[i];
        sums[channels + c + i] = times[i];
      }
    }
  }
}

// What one thread needs for an image; the borders are 0 from the start and stay so.
template <class T, int K, int S>
struct Scratch {
  static constexpr int64_t border = K / 2;
  static constexpr int64_t gradient_border = S == 1 ? border : 0;
  int64_t row, gradient_row;
  std::vector<T> inside, filtered, of_z, of_filtered, of_inside;

  Scratch(const HalfShape& s, int64_t in, int64_t out)
      : row((s.width + 2 * border) * in),
        gradient_row((s.out_width() + 2 * gradient_border) * in),
        inside((s.height + 2 * border) * row),
        filtered(s.out_pixels() * in),
        of_z(s.out_pixels() * out),
        of_filtered((s.out_height() + 2 * gradient_border) * gradient_row),
        of_inside(S == 1 ? s.pixels() * in : inside.size()) {}
};

template <class T, int K, int S>
void backward(const HalfShape& s, const HalfInput<T>& input, const std::vector<T>& filters, const std::vector<T>& mix,
              const HalfOutput<T>& output, HalfGradients<T>& total) {
  const int64_t in = padded(s.in), out = padded(s.out), pixels = s.out_pixels();
  // A gradient that comes from the other half has its channels filled up, as z has.
  const Segments segments{{0, 0, output.channels == out ? out : s.out}};
  std::vector<T> turned(filters.size()), mix_turned(s.out * in);
  for (int64_t k = 0; k < K * K; k++) {
    std::copy_n(&filters[(K * K - 1 - k) * in], in, &turned[k * in]);
  }
  for (int64_t i = 0; i < s.in; i++) {
    for (int64_t o = 0; o < s.out; o++) mix_turned[o * in + i] = mix[i * out + o];
  }
  const int64_t count = groups(s.images);
  const Order order = input.norm ? Order::kUp : Order::kDown;  // the second half comes first
  std::vector<T> of_filters(count * K * K * in), of_mix(count * in * out);
  std::vector<double> sums(s.images * 2 * in);
  parallel(count, [&](int64_t begin, int64_t end) {
    Scratch<T, K, S> t(s, in, out);
    constexpr int64_t border = t.border, gradient_border = t.gradient_border;
    T* of_filtered = t.of_filtered.data() + gradient_border * (t.gradient_row + in);
    in_groups(order, begin, end, s.images, [&](int64_t n, int64_t group) {
      const T* image = input.data + n * s.pixels() * input.channels;
      bordered(image, input.channels, input.norm, s.in, s, border, in, t.inside.data());
      filter<T, K, S>(t.inside.data(), t.row, in, filters.data(), t.filtered.data(), s.out_height(), s.out_width());
      norm_gradient(output.gradient + n * pixels * output.channels, output.z + n * pixels * out, output.norm,
                    output.means, out, segments, output.keep ? output.keep[n] : T(1), output.channels, pixels,
                    t.of_z.data());
      add_outer(t.filtered.data(), in, t.of_z.data(), out, &of_mix[group * in * out], pixels, in, out);
      for (int64_t y = 0; y < s.out_height(); y++) {
        product(&t.of_z[y * s.out_width() * out], out, mix_turned.data(), of_filtered + y * t.gradient_row, in,
                s.out_width(), s.out, in);
      }
      filters_gradient<T, K, S>(t.inside.data(), t.row, in, of_filtered, t.gradient_row,
                                &of_filters[group * K * K * in], s.out_height(), s.out_width());
      const T* of_input = t.of_inside.data();
      int64_t of_input_row = s.width * in;
      if constexpr (S == 1) {
        filter<T, K, 1>(t.of_filtered.data(), t.gradient_row, in, turned.data(), t.of_inside.data(), s.height,
                        s.width);
      } else {
        std::fill(t.of_inside.begin(), t.of_inside.end(), T(0));
        spread<T, K>(of_filtered, t.gradient_row, in, filters.data(), t.of_inside.data(), t.row, s.out_height(),
                     s.out_width());
        of_input += border * (t.row + in);
        of_input_row = t.row;
      }
      input_gradient(of_input, of_input_row, t.inside.data() + border * (t.row + in), t.row, s, input, image,
                     total.input + n * s.pixels() * input.channels, &sums[n * 2 * in]);
    });
  });
  total.filters.assign(K * K * in, 0);
  total.mix.assign(in * out, 0);
  total.sums.assign(2 * in, 0);
  add_rows(of_filters, count, K * K * in, total.filters.data());
  add_rows(of_mix, count, in * out, total.mix.data());
  if (input.norm) add_rows(sums, s.images, 2 * in, total.sums.data());
}

// The sizes for which code is made; pdas.kernels asks for no others.
template <class F>
void by_kernel_and_stride(const HalfShape& s, F&& run) {
  using std::integral_constant;
  const integral_constant<int, 1> one;
  const integral_constant<int, 2> two;
  const integral_constant<int, 3> three;
  const integral_constant<int, 5> five;
  if (s.kernel == 3) {
    s.stride == 1 ? run(three, one) : run(three, two);
  } else {
    s.stride == 1 ? run(five, one) : run(five, two);
  }
}

}  // namespace

template <class T>
void half_forward(const HalfShape& shape, const HalfInput<T>& input, const std::vector<T>& filters,
                  const std::vector<T>& mix, T* z, double* statistics, bool fixed) {
  by_kernel_and_stride(shape, [&](auto kernel, auto stride) {
    forward<T, kernel.value, stride.value>(shape, input, filters, mix, z, statistics, fixed);
  });
}

template <class T>
void half_backward(const HalfShape& shape, const HalfInput<T>& input, const std::vector<T>& filters,
                   const std::vector<T>& mix, const HalfOutput<T>& output, HalfGradients<T>& gradients) {
  by_kernel_and_stride(shape, [&](auto kernel, auto stride) {
    backward<T, kernel.value, stride.value>(shape, input, filters, mix, output, gradients);
  });
}

#define PDAS_SEPARABLE(T)                                                                                          \
  template void half_forward<T>(const HalfShape&, const HalfInput<T>&, const std::vector<T>&, const std::vector<T>&, \
                                T*, double*, bool);                                                                \
  template void half_backward<T>(const HalfShape&, const HalfInput<T>&, const std::vector<T>&,                     \
                                 const std::vector<T>&, const HalfOutput<T>&, HalfGradients<T>&);
PDAS_SEPARABLE(float)
PDAS_SEPARABLE(double)

}  // namespace pdas
