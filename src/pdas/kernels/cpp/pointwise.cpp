#include "pointwise.h"

#include "parallel.h"
#include "product.h"

namespace pdas {
namespace {

// Calls `visit(map, offset in that map's image, column)` for whatever is gathered for pixel (y, x) of
// the output; what lies beyond the border of an odd size is left out.
template <class F>
void sources(const PointwiseShape& s, int64_t y, int64_t x, F&& visit) {
  if (s.halved) {
    const int64_t channels = s.channels[0];
    for (int64_t shift = 0; shift < 2; shift++) {
      const int64_t row = 2 * y + shift, column = 2 * x + shift;
      if (row < s.height && column < s.width) {
        visit(0, (row * s.width + column) * channels, shift * padded(channels));
      }
    }
    return;
  }
  int64_t column = 0;
  for (size_t i = 0; i < s.channels.size(); i++) {
    visit(i, (y * s.width + x) * s.channels[i], column);
    column += padded(s.channels[i]);
  }
}

// One image after its ReLU; where nothing is written, `out` is 0 already.
template <class T>
void gather(const PointwiseShape& s, const std::vector<const T*>& maps, int64_t image, T* out) {
  const int64_t width = s.gathered();
  for (int64_t y = 0; y < s.out_height(); y++) {
    for (int64_t x = 0; x < s.out_width(); x++) {
      T* to = out + (y * s.out_width() + x) * width;
      sources(s, y, x, [&](size_t i, int64_t offset, int64_t column) {
        const int64_t channels = s.channels[i];
        const T* from = maps[i] + image * s.pixels() * channels + offset;
        for (int64_t c = 0; c < channels; c += kLanes<T>) {
          store(to + column + c, relu<T>(load(from + c, channels - c)));
        }
      });
    }
  }
}

template <class T>
void scatter(const PointwiseShape& s, const T* gradient, const T* gathered, int64_t image,
             const std::vector<T*>& of_maps) {
  const int64_t width = s.gathered();
  if (s.halved) {  // half of the pixels were not read
    T* all = of_maps[0] + image * s.pixels() * s.channels[0];
    std::fill_n(all, s.pixels() * s.channels[0], T(0));
  }
  for (int64_t y = 0; y < s.out_height(); y++) {
    for (int64_t x = 0; x < s.out_width(); x++) {
      const int64_t pixel = (y * s.out_width() + x) * width;
      sources(s, y, x, [&](size_t i, int64_t offset, int64_t column) {
        const int64_t channels = s.channels[i], at = pixel + column;
        T* to = of_maps[i] + image * s.pixels() * channels + offset;
        for (int64_t c = 0; c < channels; c += kLanes<T>) {
          store(to + c, relu_gradient<T>(load(gradient + at + c), load(gathered + at + c)), channels - c);
        }
      });
    }
  }
}

}  // namespace

template <class T>
void pointwise_forward(const PointwiseShape& s, const std::vector<const T*>& maps,
                       const std::vector<Numbers<T>>& weights, T* z, double* statistics, bool fixed) {
  const int64_t pixels = s.out_pixels(), width = s.gathered(), kept = s.kept();
  Numbers<T> means(fixed ? 0 : s.images * kept), deviations(means.size());
  parallel(s.images, [&](int64_t begin, int64_t end) {
    Numbers<T> gathered(pixels * width);
    in_order(Order::kDown, begin, end, [&](int64_t n) {
      gather(s, maps, n, gathered.data());
      T* to = z + n * pixels * kept;
      for (size_t i = 0; i < s.parts.size(); i++) {
        const Part& part = s.parts[i];
        product(&gathered[part.at], width, weights[i].data(), to + part.segment.at, kept, pixels, part.inner,
                padded(part.segment.count));
      }
      if (!fixed) add_statistics(to, pixels, kept, 0, &means[n * kept], &deviations[n * kept]);
    });
  });
  if (!fixed) merge_statistics(means, deviations, s.images, pixels, kept, s.segments(), s.out, statistics);
}

template <class T>
void pointwise_backward(const PointwiseShape& s, const std::vector<const T*>& maps,
                        const std::vector<Numbers<T>>& weights, const PointwiseOutput<T>& output,
                        const std::vector<T*>& of_maps, std::vector<Numbers<T>>& of_weights) {
  const int64_t pixels = s.out_pixels(), width = s.gathered(), kept = s.kept(), count = groups(s.images);
  const Segments segments = s.segments();
  std::vector<Numbers<T>> turned, sums;  // of each part: (count, inner), (groups, inner, padded)
  for (size_t i = 0; i < s.parts.size(); i++) {
    const Part& part = s.parts[i];
    const int64_t columns = padded(part.segment.count);
    turned.emplace_back(part.segment.count * part.inner);
    for (int64_t k = 0; k < part.inner; k++) {
      for (int64_t o = 0; o < part.segment.count; o++) turned[i][o * part.inner + k] = weights[i][k * columns + o];
    }
    sums.emplace_back(count * part.inner * columns);
  }
  parallel(count, [&](int64_t begin, int64_t end) {
    Numbers<T> gathered(pixels * width), of_z(pixels * kept), of_gathered(pixels * width);
    in_groups(Order::kUp, begin, end, s.images, [&](int64_t n, int64_t group) {
      gather(s, maps, n, gathered.data());
      norm_gradient(output.gradient + n * pixels * s.out, output.z + n * pixels * kept, output.norm, output.means,
                    kept, segments, output.keep ? output.keep[n] : T(1), s.out, pixels, of_z.data());
      for (size_t i = 0; i < s.parts.size(); i++) {
        const Part& part = s.parts[i];
        const int64_t columns = padded(part.segment.count);
        const T* of_segment = &of_z[part.segment.at];
        add_outer(&gathered[part.at], width, of_segment, kept, &sums[i][group * part.inner * columns], pixels,
                  part.inner, columns);
        product(of_segment, kept, turned[i].data(), &of_gathered[part.at], width, pixels, part.segment.count,
                part.inner);
      }
      scatter(s, of_gathered.data(), gathered.data(), n, of_maps);
    });
  });
  of_weights.clear();
  for (size_t i = 0; i < s.parts.size(); i++) {
    const int64_t size = s.parts[i].inner * padded(s.parts[i].segment.count);
    of_weights.emplace_back(size);
    add_rows(sums[i], count, size, of_weights[i].data());
  }
}

#define PDAS_POINTWISE(T)                                                                                         \
  template void pointwise_forward<T>(const PointwiseShape&, const std::vector<const T*>&,                         \
                                     const std::vector<Numbers<T>>&, T*, double*, bool);                      \
  template void pointwise_backward<T>(const PointwiseShape&, const std::vector<const T*>&,                        \
                                      const std::vector<Numbers<T>>&, const PointwiseOutput<T>&,              \
                                      const std::vector<T*>&, std::vector<Numbers<T>>&);
PDAS_POINTWISE(float)
PDAS_POINTWISE(double)

}  // namespace pdas
