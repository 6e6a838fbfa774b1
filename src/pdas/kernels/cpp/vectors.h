// Vectors of the processor's width by the compilers' own extension, so that one source serves all processors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#define PDAS_INLINE static inline __attribute__((always_inline))

namespace pdas {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

template <class T>
struct Types;

template <>
struct Types<float> {
  typedef float vector __attribute__((vector_size(kVectorBytes)));
  typedef float unaligned __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));
  typedef int32_t integers __attribute__((vector_size(kVectorBytes)));
  typedef int8_t bytes __attribute__((vector_size(kVectorBytes / 4)));
};

template <>
struct Types<double> {
  typedef double vector __attribute__((vector_size(kVectorBytes)));
  typedef double unaligned __attribute__((vector_size(kVectorBytes), aligned(8), may_alias));
  typedef int64_t integers __attribute__((vector_size(kVectorBytes)));
  typedef int8_t bytes __attribute__((vector_size(kVectorBytes / 8)));
};

template <class T>
using Vector = typename Types<T>::vector;

template <class T>
constexpr int kLanes = kVectorBytes / sizeof(T);

// Memory that begins where a line of the cache does, so that no vector lies in two of them.
template <class T>
struct Aligned {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  Aligned() = default;
  template <class U>
  Aligned(const Aligned<U>&) {}
  T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
  void deallocate(T* p, size_t) { ::operator delete(p, kLine); }
  template <class U>
  bool operator==(const Aligned<U>&) const { return true; }
};

template <class T>
using Numbers = std::vector<T, Aligned<T>>;

// Maps of our own have their channels filled up to a multiple of this, whatever the processor, so
// that only what comes from torch and goes to it has vectors that are not full.
constexpr int64_t kChannels = 16;

inline int64_t padded(int64_t channels) {
  return (channels + kChannels - 1) / kChannels * kChannels;
}

template <class T>
PDAS_INLINE Vector<T> load(const T* p) {
  return *reinterpret_cast<const typename Types<T>::unaligned*>(p);
}

template <class T>
PDAS_INLINE void store(T* p, Vector<T> v) {
  *reinterpret_cast<typename Types<T>::unaligned*>(p) = v;
}

constexpr int kAhead = 8192;  // bytes

// As `load`, of a map that is read from its begin to its end: asks for what comes some pages later,
// since the processor looks ahead within a page only.
template <class T>
PDAS_INLINE Vector<T> load_ahead(const T* p) {
  __builtin_prefetch(reinterpret_cast<const char*>(p) + kAhead);
  return load(p);
}

// The first `count` lanes; those beyond are 0 and are not read.
template <class T>
PDAS_INLINE Vector<T> load(const T* p, int64_t count) {
  if (count >= kLanes<T>) return load(p);
#if defined(__AVX512F__)
  const auto mask = (1u << count) - 1;
  if constexpr (sizeof(T) == 4) {
    return (Vector<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), p);
  } else {
    return (Vector<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), p);
  }
#else
  Vector<T> v{};
  for (int64_t i = 0; i < count; i++) v[i] = p[i];
  return v;
#endif
}

// Writes the first `count` lanes only.
template <class T>
PDAS_INLINE void store(T* p, Vector<T> v, int64_t count) {
  if (count >= kLanes<T>) return store(p, v);
#if defined(__AVX512F__)
  const auto mask = (1u << count) - 1;
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>(mask), (__m512)v);
  } else {
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>(mask), (__m512d)v);
  }
#else
  for (int64_t i = 0; i < count; i++) p[i] = v[i];
#endif
}

template <class T>
PDAS_INLINE Vector<T> load_ahead(const T* p, int64_t count) {
  __builtin_prefetch(reinterpret_cast<const char*>(p) + kAhead);
  return load(p, count);
}

// As the library's: NaN stays NaN, here and in the gradient.
template <class T>
PDAS_INLINE Vector<T> relu(Vector<T> v) {
  return v < 0 ? Vector<T>{} : v;
}

template <class T>
PDAS_INLINE Vector<T> relu_gradient(Vector<T> gradient, Vector<T> after_relu) {
  return after_relu <= 0 ? Vector<T>{} : gradient;
}

}  // namespace pdas
