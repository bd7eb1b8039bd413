// Several ascending streams at once: the records in equal parts, one of each part in turn.
//
//   part 0   0 1 2 …            operation 0 takes 0, operation 1 takes n/8, …, operation 8 takes 1, operation 9 takes n/8 + 1
//   part 1   n/8 n/8+1 …
//   …
//
// Invariant: the operations 0 ..< n take each record once.

/// The order of eight interleaved streams.
struct InterleavedOrder: Sendable {
  static let streamCount: UInt64 = 8

  private let share: UInt64
  private let rest: UInt64

  /// Over the records 0 ..< count.
  init(count: UInt64) {
    share = count / Self.streamCount
    rest = count % Self.streamCount
  }

  /// The record of an operation.
  subscript(_ ordinal: UInt64) -> UInt64 {
    let stream = ordinal % Self.streamCount
    // The first parts have one record more when there is a rest.
    return stream * share + min(stream, rest) + ordinal / Self.streamCount
  }
}
