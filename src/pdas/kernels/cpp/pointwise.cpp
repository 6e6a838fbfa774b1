#include "pointwise.h"

#include "parallel.h"
#include "product.h"

namespace pdas {
namespace {

// Calls `visit(map, offset in that map's image, pixel of the strip, columns, channels, pixels)` for
// runs of pixels that lie side by side in a map, and for alternate pixels one by one. `map` is -1 for
// what lies beyond the border of an odd size.
template <class F>
void runs(const PointwiseShape& s, int64_t y, int64_t rows, F&& visit) {
  int64_t column = 0;
  if (!s.halved) {
    for (size_t i = 0; i < s.channels.size(); i++) {
      visit(i, y * s.width * s.channels[i], 0, column, s.channels[i], rows * s.width);
      column += padded(s.channels[i]);
    }
    return;
  }
  const int64_t channels = s.channels[0], width = s.out_width();
  for (int64_t shift = 0; shift < 2; shift++) {
    for (int64_t i = 0; i < rows * width; i++) {
      const int64_t row = 2 * (y + i / width) + shift, from = 2 * (i % width) + shift;
      const bool inside = row < s.height && from < s.width;
      visit(inside ? 0 : -1, (row * s.width + from) * channels, i, shift * padded(channels), channels, 1);
    }
  }
}

// A strip of one image after its ReLU.
template <class T>
void gather(const PointwiseShape& s, const std::vector<const T*>& maps, int64_t image, int64_t y, int64_t rows,
            T* out) {
  const int64_t width = s.gathered();
  runs(s, y, rows, [&](int64_t map, int64_t offset, int64_t first, int64_t column, int64_t channels, int64_t pixels) {
    const T* from = map < 0 ? nullptr : maps[map] + image * s.pixels() * channels + offset;
    T* to = out + first * width + column;
    for (int64_t c = 0; c < channels; c += kLanes<T>) {
      const int64_t left = from ? channels - c : 0;
      for (int64_t p = 0; p < pixels; p++) {
        store(to + p * width + c, relu<T>(load_ahead(from + p * channels + c, left)));
      }
    }
  });
}

template <class T>
void scatter(const PointwiseShape& s, const T* gradient, const T* gathered, int64_t image, int64_t y, int64_t rows,
             const std::vector<T*>& of_maps) {
  const int64_t width = s.gathered();
  runs(s, y, rows, [&](int64_t map, int64_t offset, int64_t first, int64_t column, int64_t channels, int64_t pixels) {
    if (map < 0) return;
    T* to = of_maps[map] + image * s.pixels() * channels + offset;
    for (int64_t c = 0; c < channels; c += kLanes<T>) {
      for (int64_t p = 0; p < pixels; p++) {
        const int64_t at = (first + p) * width + column + c;
        store(to + p * channels + c, relu_gradient<T>(load(gradient + at), load(gathered + at)), channels - c);
      }
    }
  });
}

}  // namespace

template <class T>
void pointwise_forward(const PointwiseShape& s, const std::vector<const T*>& maps,
                       const std::vector<Numbers<T>>& weights, T* z, double* statistics, bool fixed) {
  const int64_t pixels = s.out_pixels(), width = s.gathered(), kept = s.kept();
  Numbers<T> means(fixed ? 0 : s.images * kept), deviations(means.size());
  parallel(s.images, [&](int64_t begin, int64_t end) {
    Numbers<T> gathered(strip_rows(s.out_width()) * s.out_width() * width);
    in_order(Order::kDown, begin, end, [&](int64_t n) {
      in_strips(s.out_height(), s.out_width(), [&](int64_t y, int64_t rows) {
        const int64_t before = y * s.out_width(), count = rows * s.out_width();
        gather(s, maps, n, y, rows, gathered.data());
        T* to = z + (n * pixels + before) * kept;
        for (size_t i = 0; i < s.parts.size(); i++) {
          const Part& part = s.parts[i];
          product(&gathered[part.at], width, weights[i].data(), to + part.segment.at, kept, count, part.inner,
                  padded(part.segment.count));
        }
        if (!fixed) add_statistics(to, count, kept, before, &means[n * kept], &deviations[n * kept]);
      });
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
    const int64_t strip = strip_rows(s.out_width()) * s.out_width();
    Numbers<T> gathered(strip * width), of_z(strip * kept), of_gathered(strip * width);
    in_groups(Order::kUp, begin, end, s.images, [&](int64_t n, int64_t group) {
      if (s.halved) {  // half of the pixels were not read
        std::fill_n(of_maps[0] + n * s.pixels() * s.channels[0], s.pixels() * s.channels[0], T(0));
      }
      in_strips(s.out_height(), s.out_width(), [&](int64_t y, int64_t rows) {
        const int64_t first = n * pixels + y * s.out_width(), size = rows * s.out_width();
        gather(s, maps, n, y, rows, gathered.data());
        norm_gradient(output.gradient + first * s.out, output.z + first * kept, output.norm, output.means, kept,
                      segments, output.keep ? output.keep[n] : T(1), s.out, size, of_z.data());
        for (size_t i = 0; i < s.parts.size(); i++) {
          const Part& part = s.parts[i];
          const int64_t columns = padded(part.segment.count);
          const T* of_segment = &of_z[part.segment.at];
          add_outer(&gathered[part.at], width, of_segment, kept, &sums[i][group * part.inner * columns], size,
                    part.inner, columns);
          product(of_segment, kept, turned[i].data(), &of_gathered[part.at], width, size, part.segment.count,
                  part.inner);
        }
        scatter(s, of_gathered.data(), gathered.data(), n, y, rows, of_maps);
      });
    });
  });
  of_weights.clear();
  for (size_t i = 0; i < s.parts.size(); i++) {
    const int64_t size = s.parts[i].inner * padded(s.parts[i].segment.count);
    of_weights.emplace_back(size);
    add_rows(sums[i], count, size, of_weights[i].data());
  }
}

#define PDAS_POINTWISE(T)                                                                        \
  template void pointwise_forward<T>(const PointwiseShape&, const std::vector<const T*>&,        \
                                     const std::vector<Numbers<T>>&, T*, double*, bool);         \
  template void pointwise_backward<T>(const PointwiseShape&, const std::vector<const T*>&,       \
                                      const std::vector<Numbers<T>>&, const PointwiseOutput<T>&, \
                                      const std::vector<T*>&, std::vector<Numbers<T>>&);
PDAS_POINTWISE(float)
PDAS_POINTWISE(double)

}  // namespace pdas
