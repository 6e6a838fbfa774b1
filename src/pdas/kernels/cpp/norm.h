// Batch norm, of maps whose value before it is kept: (images, pixels, width) without a border.
//
// A kept map has its channels in segments, each filled up to a multiple of kChannels. What is beyond
// a segment's count may be anything (0 times infinity) and is never used.
#pragma once

#include <cmath>

#include "vectors.h"

namespace pdas {

struct Segment {
  int64_t at;     // its first column in the kept map
  int64_t from;   // its first channel in torch's map
  int64_t count;  // of channels
};
using Segments = std::vector<Segment>;

// What is known of a norm's tensors: statistics are (2, channels), mean and biased variance. Scale
// and shift are null without an affine.
template <class T>
struct NormTensors {
  double* statistics;
  const T* scale;
  const T* shift;
  double epsilon;
};

// The same by columns of the kept map: value = (z - mean) * factor + shift.
template <class T>
struct Norm {
  Numbers<T> mean, inverse, factor, shift;

  Norm(const NormTensors<T>& of, const Segments& segments, int64_t channels, int64_t width)
      : mean(width), inverse(width), factor(width), shift(width) {
    for (const Segment& s : segments) {
      for (int64_t i = 0; i < s.count; i++) {
        const int64_t c = s.from + i;
        mean[s.at + i] = of.statistics[c];
        inverse[s.at + i] = 1 / std::sqrt(of.statistics[channels + c] + of.epsilon);
        factor[s.at + i] = inverse[s.at + i] * (of.scale ? of.scale[c] : 1);
        shift[s.at + i] = of.shift ? of.shift[c] : 0;
      }
    }
  }
};

// Adds some pixels of an image to the mean and the sum of squared deviations, by column, of the
// `before` ones that came first.
template <class T>
void add_statistics(const T* z, int64_t pixels, int64_t width, int64_t before, T* mean, T* deviations) {
  constexpr int chains = 4;  // of additions, that do not wait for each other
  const T count = static_cast<T>(pixels), share = count / (before + pixels);
  for (int64_t c = 0; c < width; c += kLanes<T>) {
    const T* column = z + c;
    Vector<T> sum[chains] = {};
    for (int64_t p = 0; p < pixels; p++) sum[p % chains] += load(column + p * width);
    const Vector<T> m = (sum[0] + sum[1] + sum[2] + sum[3]) / count;
    Vector<T> square[chains] = {};
    for (int64_t p = 0; p < pixels; p++) {
      const Vector<T> d = load(column + p * width) - m;
      square[p % chains] += d * d;
    }
    const Vector<T> d = m - load(mean + c);
    store(mean + c, load(mean + c) + d * share);
    store(deviations + c, load(deviations + c) + d * d * (before * share) + square[0] + square[1] + square[2] +
                              square[3]);
  }
}

// Those of all images, `statistics` (2, channels); image after image, so always in the same order.
template <class T>
void merge_statistics(const Numbers<T>& means, const Numbers<T>& deviations, int64_t images, int64_t pixels,
                      int64_t width, const Segments& segments, int64_t channels, double* statistics) {
  for (const Segment& s : segments) {
    for (int64_t i = 0; i < s.count; i++) {
      const int64_t column = s.at + i;
      double mean = 0, sum = 0;
      for (int64_t n = 0; n < images; n++) mean += means[n * width + column];
      mean /= images;
      for (int64_t n = 0; n < images; n++) {
        const double d = means[n * width + column] - mean;
        sum += deviations[n * width + column] + pixels * d * d;
      }
      statistics[s.from + i] = mean;
      statistics[channels + s.from + i] = sum / (static_cast<double>(images) * pixels);
    }
  }
}

// The norm of one image, times `keep`, into torch's map of `channels`.
template <class T>
void normalise(const T* z, const Norm<T>& norm, int64_t width, const Segments& segments, T keep, T* out,
               int64_t channels, int64_t pixels) {
  for (const Segment& s : segments) {
    for (int64_t i = 0; i < s.count; i += kLanes<T>) {
      const int64_t c = s.at + i;
      const Vector<T> mean = load(&norm.mean[c]), factor = load(&norm.factor[c]), shift = load(&norm.shift[c]);
      const T* from = z + c;
      T* to = out + s.from + i;
      for (int64_t p = 0; p < pixels; p++) {
        const Vector<T> v = (load_ahead(from + p * width) - mean) * factor + shift;
        store(to + p * channels, v * keep, s.count - i);
      }
    }
  }
}

// For one image the sums (2, width) of the gradient, times `keep`, and of it times (z - mean) / sd.
template <class T>
void gradient_sums(const T* gradient, const T* z, const Norm<T>& norm, int64_t width, const Segments& segments, T keep,
                   int64_t channels, int64_t pixels, double* sums) {
  for (const Segment& s : segments) {
    for (int64_t i = 0; i < s.count; i += kLanes<T>) {
      const int64_t c = s.at + i;
      const Vector<T> mean = load(&norm.mean[c]), inverse = load(&norm.inverse[c]);
      Vector<T> plain[2] = {}, times[2] = {};
      for (int64_t p = 0; p < pixels; p++) {
        const Vector<T> g = load_ahead(gradient + p * channels + s.from + i, s.count - i) * keep;
        plain[p % 2] += g;
        times[p % 2] += g * ((load_ahead(z + p * width + c) - mean) * inverse);
      }
      for (int j = 0; j < kLanes<T>; j++) {
        sums[c + j] = plain[0][j] + plain[1][j];
        sums[width + c + j] = times[0][j] + times[1][j];
      }
    }
  }
}

// How the gradient of z follows from that of its norm:
// factor * (g - mean of g - (z - mean) / sd * mean of g (z - mean) / sd).
template <class T>
struct NormGradient {
  Numbers<T> first, second;  // the two means
  bool fixed;                // whether the statistics are not those of the batch: g alone then

  NormGradient(const Numbers<double>& sums, int64_t width, double count, bool fixed)
      : first(width), second(width), fixed(fixed) {
    for (int64_t c = 0; c < width; c++) {
      first[c] = sums[c] / count;
      second[c] = sums[width + c] / count;
    }
  }
};

template <class T>
void norm_gradient(const T* gradient, const T* z, const Norm<T>& norm, const NormGradient<T>& means, int64_t width,
                   const Segments& segments, T keep, int64_t channels, int64_t pixels, T* out) {
  for (const Segment& s : segments) {
    for (int64_t i = 0; i < s.count; i += kLanes<T>) {
      const int64_t c = s.at + i;
      const Vector<T> mean = load(&norm.mean[c]), inverse = load(&norm.inverse[c]), factor = load(&norm.factor[c]);
      const Vector<T> first = load(&means.first[c]), second = load(&means.second[c]);
      for (int64_t p = 0; p < pixels; p++) {
        Vector<T> g = load_ahead(gradient + p * channels + s.from + i, s.count - i) * keep;
        if (!means.fixed) g = g - first - (load_ahead(z + p * width + c) - mean) * inverse * second;
        store(out + p * width + c, factor * g);
      }
    }
  }
}

// Sums over groups or images, in their order: rows of `each` (rows, size).
template <class A, class B>
void add_rows(const Numbers<A>& each, int64_t rows, int64_t size, B* total) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t i = 0; i < size; i++) total[i] += each[r * size + i];
  }
}

}  // namespace pdas
