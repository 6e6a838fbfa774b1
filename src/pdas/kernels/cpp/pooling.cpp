#include "pooling.h"

#include "parallel.h"
#include "vectors.h"

namespace pdas {
namespace {

// The pixels of a window, along one side.
struct Window {
  int64_t begin, end;

  Window(int64_t out, int64_t stride, int64_t size)
      : begin(std::max<int64_t>(out * stride - 1, 0)), end(std::min(size, out * stride + 2)) {}
  int64_t size() const { return end - begin; }
};

// The windows that a pixel is in, along one side.
struct Windows {
  int64_t begin, end;

  Windows(int64_t in, int64_t stride, int64_t count)
      : begin(stride == 1 ? std::max<int64_t>(in - 1, 0) : in / 2),
        end(std::min(count, stride == 1 ? in + 2 : (in + 1) / 2 + 1)) {}
};

}  // namespace

template <class T>
void average_forward(const PoolShape& s, const T* in, T* out) {
  const int64_t row = s.width * s.channels, ho = s.out_height(), wo = s.out_width();
  parallel(s.images, [&](int64_t begin, int64_t end) {
    Numbers<T> sums(row);  // of the rows of a window
    for (int64_t n = begin; n < end; n++) {
      for (int64_t y = 0; y < ho; y++) {
        const Window rows(y, s.stride, s.height);
        const T* from = in + (n * s.height + rows.begin) * row;
        for (int64_t i = 0; i < row; i += kLanes<T>) {
          Vector<T> sum = load(from + i, row - i);
          for (int64_t k = 1; k < rows.size(); k++) sum += load(from + k * row + i, row - i);
          store(&sums[i], sum, row - i);
        }
        for (int64_t x = 0; x < wo; x++) {
          const Window columns(x, s.stride, s.width);
          const T share = T(1) / (rows.size() * columns.size());
          T* to = out + ((n * ho + y) * wo + x) * s.channels;
          for (int64_t c = 0; c < s.channels; c += kLanes<T>) {
            const int64_t left = s.channels - c;
            Vector<T> sum = load(&sums[columns.begin * s.channels + c], left);
            for (int64_t k = columns.begin + 1; k < columns.end; k++) sum += load(&sums[k * s.channels + c], left);
            store(to + c, sum * share, left);
          }
        }
      }
    }
  });
}

template <class T>
void average_backward(const PoolShape& s, const T* gradient, T* out) {
  const int64_t row = s.width * s.channels, ho = s.out_height(), wo = s.out_width();
  parallel(s.images, [&](int64_t begin, int64_t end) {
    Numbers<T> spread(ho * row);  // along the columns; then along the rows
    for (int64_t n = begin; n < end; n++) {
      for (int64_t y = 0; y < ho; y++) {
        const int64_t rows = Window(y, s.stride, s.height).size();
        const T* from = gradient + (n * ho + y) * wo * s.channels;
        for (int64_t x = 0; x < s.width; x++) {
          const Windows windows(x, s.stride, wo);
          T* to = &spread[y * row + x * s.channels];
          for (int64_t c = 0; c < s.channels; c += kLanes<T>) {
            Vector<T> sum{};
            for (int64_t k = windows.begin; k < windows.end; k++) {
              const T share = T(1) / (rows * Window(k, s.stride, s.width).size());
              sum += load(from + k * s.channels + c, s.channels - c) * share;
            }
            store(to + c, sum, s.channels - c);
          }
        }
      }
      for (int64_t y = 0; y < s.height; y++) {
        const Windows windows(y, s.stride, ho);
        T* to = out + (n * s.height + y) * row;
        for (int64_t i = 0; i < row; i += kLanes<T>) {
          Vector<T> sum = load(&spread[windows.begin * row + i], row - i);
          for (int64_t k = windows.begin + 1; k < windows.end; k++) sum += load(&spread[k * row + i], row - i);
          store(to + i, sum, row - i);
        }
      }
    }
  });
}

template <class T>
void maximum_forward(const PoolShape& s, const T* in, T* out, int8_t* places) {
  using Integers = typename Types<T>::integers;
  const int64_t ho = s.out_height(), wo = s.out_width();
  parallel(s.images, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; n++) {
      for (int64_t y = 0; y < ho; y++) {
        for (int64_t x = 0; x < wo; x++) {
          const Window rows(y, s.stride, s.height), columns(x, s.stride, s.width);
          const int64_t at = ((n * ho + y) * wo + x) * s.channels;
          for (int64_t c = 0; c < s.channels; c += kLanes<T>) {
            const int64_t left = s.channels - c;
            Vector<T> best{};
            Integers place{};
            bool first = true;
            for (int64_t row = rows.begin; row < rows.end; row++) {
              for (int64_t column = columns.begin; column < columns.end; column++) {
                const Vector<T> v = load(in + ((n * s.height + row) * s.width + column) * s.channels + c, left);
                const Integers here = Integers{} + static_cast<int>(3 * (row - y * s.stride + 1) + column -
                                                                    x * s.stride + 1);
                // The first of equal ones, and NaN before all others, as in the library.
                const Integers better = first ? (Integers{} == Integers{}) : ((v > best) | (v != v));
                best = better ? v : best;
                place = better ? here : place;
                first = false;
              }
            }
            store(out + at + c, best, left);
            const auto narrow = __builtin_convertvector(place, typename Types<T>::bytes);
            std::memcpy(places + at + c, &narrow, std::min<int64_t>(left, kLanes<T>));
          }
        }
      }
    }
  });
}

template <class T>
void maximum_backward(const PoolShape& s, const T* gradient, const int8_t* places, T* out) {
  const int64_t size = s.height * s.width * s.channels, ho = s.out_height(), wo = s.out_width();
  int64_t offsets[9];
  for (int k = 0; k < 9; k++) offsets[k] = ((k / 3 - 1) * s.width + k % 3 - 1) * s.channels;
  parallel(s.images, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; n++) {
      T* image = out + n * size;
      std::fill_n(image, size, T(0));
      for (int64_t y = 0; y < ho; y++) {
        for (int64_t x = 0; x < wo; x++) {
          const int64_t at = ((n * ho + y) * wo + x) * s.channels;
          T* to = image + (y * s.stride * s.width + x * s.stride) * s.channels;
          for (int64_t c = 0; c < s.channels; c++) to[offsets[places[at + c]] + c] += gradient[at + c];
        }
      }
    }
  });
}

#define PDAS_POOLING(T)                                                                   \
  template void average_forward<T>(const PoolShape&, const T*, T*);                       \
  template void average_backward<T>(const PoolShape&, const T*, T*);                      \
  template void maximum_forward<T>(const PoolShape&, const T*, T*, int8_t*);              \
  template void maximum_backward<T>(const PoolShape&, const T*, const int8_t*, T*);
PDAS_POOLING(float)
PDAS_POOLING(double)

}  // namespace pdas
