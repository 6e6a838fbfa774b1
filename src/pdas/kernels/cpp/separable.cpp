#include "separable.h"

#include "depthwise.h"
#include "parallel.h"
#include "product.h"

namespace pdas {
namespace {

// ReLU, or norm and ReLU, of the rows [begin, end) of one image into the inside of a bordered one.
template <class T>
void bordered(const T* in, const HalfInput<T>& input, const HalfShape& s, int64_t border, int64_t begin, int64_t end,
              T* out) {
  const int64_t channels = padded(s.in), row = (s.width + 2 * border) * channels, step = input.channels;
  for (int64_t y = begin; y < end; y++) {
    for (int64_t c = 0; c < channels; c += kLanes<T>) {
      const T* from = in + y * s.width * step + c;
      T* to = out + (y + border) * row + border * channels + c;
      if (input.norm) {
        const Norm<T>& norm = *input.norm;
        const Vector<T> mean = load(&norm.mean[c]), factor = load(&norm.factor[c]), shift = load(&norm.shift[c]);
        for (int64_t x = 0; x < s.width; x++) {
          store(to + x * channels, relu<T>((load_ahead(from + x * step) - mean) * factor + shift));
        }
      } else if (c + kLanes<T> <= s.in) {
        for (int64_t x = 0; x < s.width; x++) store(to + x * channels, relu<T>(load_ahead(from + x * step)));
      } else if (c < s.in) {
        for (int64_t x = 0; x < s.width; x++) store(to + x * channels, relu<T>(load_ahead(from + x * step, s.in - c)));
      }
    }
  }
}

// One image after its ReLU with its border, which is 0 from the start and stays so. Its rows are made
// when they are asked for.
template <class T, int K, int S>
struct Inside {
  static constexpr int64_t border = K / 2;
  const HalfShape& s;
  const HalfInput<T>& input;
  int64_t row, ready = 0;  // numbers in a row; rows that are made
  const T* image = nullptr;
  Numbers<T> data;

  Inside(const HalfShape& shape, const HalfInput<T>& from)
      : s(shape),
        input(from),
        row((s.width + 2 * border) * padded(s.in)),
        data((s.height + 2 * border) * row) {}

  void begin(int64_t n) {
    image = input.data + n * s.pixels() * input.channels;
    ready = 0;
  }

  // What the filters read for the outputs from row `y` on.
  const T* rows(int64_t y, int64_t count) {
    const int64_t end = std::min(s.height, (y + count - 1) * S + border + 1);
    bordered(image, input, s, border, ready, end, data.data());
    ready = std::max(ready, end);
    return &data[y * S * row];
  }
};

template <class T, int K, int S>
void forward(const HalfShape& s, const HalfInput<T>& input, const Numbers<T>& filters, const Numbers<T>& mix,
             T* z, double* statistics, bool fixed) {
  const Order order = input.norm ? Order::kUp : Order::kDown;  // the second half comes after the first
  const int64_t in = padded(s.in), out = padded(s.out), pixels = s.out_pixels(), width = s.out_width();
  Numbers<T> means(fixed ? 0 : s.images * out), deviations(means.size());
  parallel(s.images, [&](int64_t begin, int64_t end) {
    Inside<T, K, S> inside(s, input);
    Numbers<T> filtered(strip_rows(width) * width * in);
    in_order(order, begin, end, [&](int64_t n) {
      inside.begin(n);
      in_strips(s.out_height(), width, [&](int64_t y, int64_t rows) {
        filter<T, K, S>(inside.rows(y, rows), inside.row, in, filters.data(), filtered.data(), rows, width);
        T* to = z + (n * pixels + y * width) * out;
        product(filtered.data(), in, mix.data(), to, out, rows * width, s.in, out);
        if (!fixed) add_statistics(to, rows * width, out, y * width, &means[n * out], &deviations[n * out]);
      });
    });
  });
  if (!fixed) merge_statistics(means, deviations, s.images, pixels, out, {{0, 0, s.out}}, s.out, statistics);
}

// The gradient of some rows of the input, behind its ReLU, and its sums for the norm before, which
// are added to `sums` (2, channels). All pointers are to the first of the rows.
template <class T>
void input_gradient(const T* gradient, int64_t gradient_row, const T* inside, int64_t row, const HalfShape& s,
                    const HalfInput<T>& input, const T* in_image, int64_t rows, T* out, T* sums) {
  const int64_t channels = padded(s.in), count = input.norm ? channels : s.in;
  for (int64_t c = 0; c < count; c += kLanes<T>) {
    Vector<T> mean{}, inverse{}, plain{}, times{};
    if (input.norm) {
      mean = load(&input.norm->mean[c]);
      inverse = load(&input.norm->inverse[c]);
    }
    for (int64_t y = 0; y < rows; y++) {
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
      store(sums + c, load(sums + c) + plain);
      store(sums + channels + c, load(sums + channels + c) + times);
    }
  }
}

// The backward pass through an image, with the memory that a thread needs for it.
template <class T, int K, int S>
struct BackwardPass {
  static constexpr int64_t border = K / 2;
  static constexpr int64_t gradient_border = S == 1 ? border : 0;
  const HalfShape& s;
  const HalfInput<T>& input;
  const HalfOutput<T>& output;
  const Segments& segments;
  const T *filters, *turned, *mix_turned;  // the latter two are for gradients
  int64_t in, out, width, gradient_row;
  Inside<T, K, S> inside;
  Numbers<T> filtered, of_z, of_filtered, of_inside;

  BackwardPass(const HalfShape& shape, const HalfInput<T>& from, const HalfOutput<T>& to, const Segments& of_output,
               const Numbers<T>& f, const Numbers<T>& f_turned, const Numbers<T>& m_turned)
      : s(shape),
        input(from),
        output(to),
        segments(of_output),
        filters(f.data()),
        turned(f_turned.data()),
        mix_turned(m_turned.data()),
        in(padded(s.in)),
        out(padded(s.out)),
        width(s.out_width()),
        gradient_row((width + 2 * gradient_border) * in),
        inside(s, input),
        filtered(strip_rows(width) * width * in),
        of_z(strip_rows(width) * width * out),
        of_filtered((s.out_height() + 2 * gradient_border) * gradient_row),
        of_inside(S == 1 ? (strip_rows(width) + border) * s.width * in : inside.data.size()) {}

  // Image `n`; adds to the gradients of the weights and to the sums for the norm before.
  void image(int64_t n, T* of_input, T* of_filters, T* of_mix, T* sums) {
    int64_t done = 0;  // rows of the input whose gradient is there
    inside.begin(n);
    in_strips(s.out_height(), width, [&](int64_t y, int64_t rows) {
      const int64_t pixels = rows * width, first = n * s.out_pixels() + y * width;
      const T* from = inside.rows(y, rows);
      filter<T, K, S>(from, inside.row, in, filters, filtered.data(), rows, width);
      norm_gradient(output.gradient + first * output.channels, output.z + first * out, output.norm, output.means, out,
                    segments, output.keep ? output.keep[n] : T(1), output.channels, pixels, of_z.data());
      add_outer(filtered.data(), in, of_z.data(), out, of_mix, pixels, in, out);
      T* gradient = &of_filtered[(y + gradient_border) * gradient_row + gradient_border * in];
      for (int64_t i = 0; i < rows; i++) {
        product(&of_z[i * width * out], out, mix_turned, gradient + i * gradient_row, in, width, s.out, in);
      }
      filters_gradient<T, K, S>(from, inside.row, in, gradient, gradient_row, of_filters, rows, width);
      if constexpr (S == 1) {
        const int64_t end = y + rows == s.height ? s.height : std::max<int64_t>(y + rows - border, 0);
        filter<T, K, 1>(&of_filtered[done * gradient_row], gradient_row, in, turned, of_inside.data(), end - done,
                        s.width);
        input_rows(of_inside.data(), s.width * in, done, end, of_input, sums);
        done = end;
      }
    });
    if constexpr (S == 2) {
      std::fill(of_inside.begin(), of_inside.end(), T(0));
      spread<T, K>(of_filtered.data(), gradient_row, in, filters, of_inside.data(), inside.row, s.out_height(), width);
      input_rows(&of_inside[border * (inside.row + in)], inside.row, 0, s.height, of_input, sums);
    }
  }

  void input_rows(const T* gradient, int64_t row, int64_t begin, int64_t end, T* of_input, T* sums) {
    const int64_t offset = begin * s.width * input.channels;
    input_gradient(gradient, row, &inside.data[(begin + border) * inside.row + border * in], inside.row, s, input,
                   inside.image + offset, end - begin, of_input + offset, sums);
  }
};

template <class T, int K, int S>
void backward(const HalfShape& s, const HalfInput<T>& input, const Numbers<T>& filters, const Numbers<T>& mix,
              const HalfOutput<T>& output, HalfGradients<T>& total) {
  const int64_t in = padded(s.in), out = padded(s.out);
  // A gradient that comes from the other half has its channels filled up, as z has.
  const Segments segments{{0, 0, output.channels == out ? out : s.out}};
  Numbers<T> turned(filters.size()), mix_turned(s.out * in);
  for (int64_t k = 0; k < K * K; k++) {
    std::copy_n(&filters[(K * K - 1 - k) * in], in, &turned[k * in]);
  }
  for (int64_t i = 0; i < s.in; i++) {
    for (int64_t o = 0; o < s.out; o++) mix_turned[o * in + i] = mix[i * out + o];
  }
  const int64_t count = groups(s.images);
  const Order order = input.norm ? Order::kUp : Order::kDown;  // the second half comes first
  Numbers<T> of_filters(count * K * K * in), of_mix(count * in * out), sums(s.images * 2 * in);
  parallel(count, [&](int64_t begin, int64_t end) {
    BackwardPass<T, K, S> pass(s, input, output, segments, filters, turned, mix_turned);
    in_groups(order, begin, end, s.images, [&](int64_t n, int64_t group) {
      pass.image(n, total.input + n * s.pixels() * input.channels, &of_filters[group * K * K * in],
                 &of_mix[group * in * out], &sums[n * 2 * in]);
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
void half_forward(const HalfShape& shape, const HalfInput<T>& input, const Numbers<T>& filters,
                  const Numbers<T>& mix, T* z, double* statistics, bool fixed) {
  by_kernel_and_stride(shape, [&](auto kernel, auto stride) {
    forward<T, kernel.value, stride.value>(shape, input, filters, mix, z, statistics, fixed);
  });
}

template <class T>
void half_backward(const HalfShape& shape, const HalfInput<T>& input, const Numbers<T>& filters,
                   const Numbers<T>& mix, const HalfOutput<T>& output, HalfGradients<T>& gradients) {
  by_kernel_and_stride(shape, [&](auto kernel, auto stride) {
    backward<T, kernel.value, stride.value>(shape, input, filters, mix, output, gradients);
  });
}

#define PDAS_SEPARABLE(T)                                                                                    \
  template void half_forward<T>(const HalfShape&, const HalfInput<T>&, const Numbers<T>&, const Numbers<T>&, \
                                T*, double*, bool);                                                          \
  template void half_backward<T>(const HalfShape&, const HalfInput<T>&, const Numbers<T>&,                   \
                                 const Numbers<T>&, const HalfOutput<T>&, HalfGradients<T>&);
PDAS_SEPARABLE(float)
PDAS_SEPARABLE(double)

}  // namespace pdas
