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

template <class T>
using Places = typename Types<T>::integers;

template <class T>
PDAS_INLINE void store_places(int8_t* p, Places<T> places, int64_t count) {
  typename Types<T>::bytes narrow;
#if defined(__AVX512F__)  // what compilers make of the conversion is slow
  if constexpr (sizeof(T) == 4) {
    narrow = (typename Types<T>::bytes)_mm512_cvtepi32_epi8((__m512i)places);
  } else
#endif
  {
    narrow = __builtin_convertvector(places, typename Types<T>::bytes);
  }
  if (count >= kLanes<T>) {
    std::memcpy(p, &narrow, kLanes<T>);  // one instruction, as the size is known
  } else {
    std::memcpy(p, &narrow, count);
  }
}

// The largest pixels of a window, whose middle one is `in`, and their places. Of equal ones it is the
// first, and NaN goes before all others, as in the library.
template <class T>
PDAS_INLINE void largest(const T* in, int64_t row, int64_t channels, int64_t top, int64_t bottom, int64_t first,
                         int64_t last, int64_t count, Vector<T>& best, Places<T>& place) {
  best = load(in + top * row + first * channels, count);
  place = Places<T>{} + static_cast<int>(3 * (top + 1) + first + 1);
#pragma GCC unroll 3
  for (int64_t y = top; y <= bottom; y++) {
#pragma GCC unroll 3
    for (int64_t x = first; x <= last; x++) {
      const Vector<T> v = load(in + y * row + x * channels, count);
      const Places<T> better = (v > best) | (v != v);
      best = better ? v : best;
      place = better ? Places<T>{} + static_cast<int>(3 * (y + 1) + x + 1) : place;
    }
  }
}

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
  const int64_t ho = s.out_height(), wo = s.out_width(), row = s.width * s.channels;
  parallel(s.images, [&](int64_t begin, int64_t end) {
    int64_t at = begin * ho * wo * s.channels;
    for (int64_t n = begin; n < end; n++) {
      for (int64_t y = 0; y < ho * s.stride; y += s.stride) {
        const int64_t top = y > 0 ? -1 : 0, bottom = y + 1 < s.height ? 1 : 0;
        for (int64_t x = 0; x < wo * s.stride; x += s.stride, at += s.channels) {
          const int64_t first = x > 0 ? -1 : 0, last = x + 1 < s.width ? 1 : 0;
          const bool whole = bottom - top == 2 && last - first == 2;
          const T* middle = in + (n * s.height + y) * row + x * s.channels;
          for (int64_t c = 0; c < s.channels; c += kLanes<T>) {
            const int64_t left = s.channels - c;
            Vector<T> best;
            Places<T> place;
            if (whole && left >= kLanes<T>) {  // with numbers that the compiler knows
              largest<T>(middle + c, row, s.channels, -1, 1, -1, 1, kLanes<T>, best, place);
            } else {
              largest<T>(middle + c, row, s.channels, top, bottom, first, last, left, best, place);
            }
            store(out + at + c, best, left);
            store_places<T>(places + at + c, place, left);
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
