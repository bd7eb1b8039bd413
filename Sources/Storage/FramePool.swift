// The pool that frames come from: slabs of at least 2 MiB with huge-page advice, cut into size classes.
//
//   slab (2 MiB …, from the system)   │ class 4 KiB │ 4 KiB │ 4 KiB │ … never used yet (zero) …
//                                       ▲ in use      ▲ free list of the class
//
//   classes: 1, 2, 3, 4, 6, 8, 12, 16, 24 … × 4 KiB: a frame wastes at most a third of its class
//
// Invariants
// 1. live + free + never used bytes + tails too small for a frame = slab bytes, per class.
// 2. Memory never used before is zero, so a zeroed frame costs no writing the first time.
// 3. Every frame holds the pool; the slabs go back to the system when pool and last frame are gone.

import Primitives

/// What a pool holds.
public struct FramePoolStatistics: Equatable, Sendable {
  /// Frames handed out and not given back.
  public var liveFrameCount = 0
  /// Bytes of their size classes.
  public var liveByteCount = 0
  /// Bytes in free lists.
  public var freeByteCount = 0
  /// Bytes taken from the system.
  public var slabByteCount = 0
  /// Frames ever handed out.
  public var handedOutCount: UInt64 = 0

  /// All zero.
  public init() {}
}

/// Gives out frames; safe for any number of threads.
public final class FramePool: Sendable {
  /// Every frame's alignment, and the smallest size class, in bytes.
  public static let alignmentByteCount = 4_096
  static let slabByteCount = 2 << 20
  static let largestSlabByteCount = 16 << 20

  // Addresses, not pointers, so that the state may cross into the lock's region; each is turned back into a
  // pointer exactly once, by the frame that gets it.
  struct SizeClass {
    var free: ContiguousArray<UInt> = []
    var unusedStart: UInt = 0
    var unusedByteCount = 0
    var slabByteCount = 0
    var liveFrameCount = 0
  }

  struct Slab {
    var start: UInt
    var byteCount: Int
  }

  struct State {
    var classes: ContiguousArray<SizeClass> = []
    var slabs: ContiguousArray<Slab> = []
    var handedOutCount: UInt64 = 0
  }

  private let state: Lock<State>
  private let scribbles: Bool

  /// An empty pool.
  ///
  /// - Parameter scribbles: fills every frame handed out without `zeroed` with 0xDB, so that a test sees bytes
  ///   that nobody wrote.
  public init(scribbles: Bool = false) {
    state = Lock(State())
    self.scribbles = scribbles
  }

  deinit {
    // No frame is left: each holds the pool.
    let slabs = state.withLock { $0.slabs }
    for slab in slabs {
      guard let start = UnsafeMutableRawPointer(bitPattern: slab.start) else { continue }
      SystemMemory.unmap(start, byteCount: slab.byteCount)
    }
  }

  /// The number of the smallest class that holds `byteCount`, and the class's bytes.
  static func sizeClass(for byteCount: Int) -> (number: Int, byteCount: Int) {
    let units = (byteCount + alignmentByteCount - 1) / alignmentByteCount
    if units <= 2 { return (units - 1, units * alignmentByteCount) }
    // Between 2^k and 2^(k+1) units lies one class more, 3 × 2^(k-1).
    let power = Int.bitWidth - 1 - (units - 1).leadingZeroBitCount
    let middle = 3 << (power - 1)
    if units <= middle { return (2 * power, middle * alignmentByteCount) }
    return (2 * power + 1, (2 << power) * alignmentByteCount)
  }

  /// A frame of `byteCount` usable bytes.
  ///
  /// Cost: one short lock and one small allocation; a system call every few hundred frames.
  /// - Parameter zeroed: whether the bytes must be zero; otherwise they are unspecified.
  public func frame(byteCount: Int, zeroed: Bool = false) -> Frame {
    precondition(byteCount > 0, "A frame has at least one byte.")
    let (number, classByteCount) = Self.sizeClass(for: byteCount)
    let taken = state.withLock { state in Self.take(number, classByteCount, from: &state) }
    guard let pointer = UnsafeMutableRawPointer(bitPattern: taken.address) else {
      preconditionFailure("A slab does not begin at address zero.")
    }
    if zeroed {
      if !taken.isFresh { pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount) }
    } else if scribbles {
      pointer.initializeMemory(as: UInt8.self, repeating: 0xDB, count: byteCount)
    }
    return Frame(pointer: pointer, byteCount: byteCount, pool: self, sizeClass: number)
  }

  private static func take(
    _ number: Int, _ byteCount: Int, from state: inout State
  ) -> (address: UInt, isFresh: Bool) {
    while state.classes.count <= number { state.classes.append(SizeClass()) }
    state.handedOutCount &+= 1
    state.classes[number].liveFrameCount += 1
    if let address = state.classes[number].free.popLast() { return (address, false) }
    if state.classes[number].unusedByteCount < byteCount {
      // The tail of the last slab is smaller than one frame and is left; slabs grow with the class.
      let wanted = min(largestSlabByteCount, max(slabByteCount, state.classes[number].slabByteCount))
      let slab = (max(wanted, byteCount) + slabByteCount - 1) / slabByteCount * slabByteCount
      let start = UInt(bitPattern: SystemMemory.map(byteCount: slab))
      state.slabs.append(Slab(start: start, byteCount: slab))
      state.classes[number].slabByteCount += slab
      state.classes[number].unusedStart = start
      state.classes[number].unusedByteCount = slab
    }
    let address = state.classes[number].unusedStart
    state.classes[number].unusedStart += UInt(byteCount)
    state.classes[number].unusedByteCount -= byteCount
    return (address, true)
  }

  func takeBack(_ pointer: UnsafeMutableRawPointer, sizeClass: Int) {
    let address = UInt(bitPattern: pointer)
    state.withLock { state in
      state.classes[sizeClass].free.append(address)
      state.classes[sizeClass].liveFrameCount -= 1
    }
  }

  /// What the pool holds now.
  public var statistics: FramePoolStatistics {
    state.withLock { state in
      var result = FramePoolStatistics()
      for (number, sizeClass) in state.classes.enumerated() {
        let byteCount = Self.byteCount(ofClass: number)
        result.liveFrameCount += sizeClass.liveFrameCount
        result.liveByteCount += sizeClass.liveFrameCount * byteCount
        result.freeByteCount += sizeClass.free.count * byteCount
        result.slabByteCount += sizeClass.slabByteCount
      }
      result.handedOutCount = state.handedOutCount
      return result
    }
  }

  static func byteCount(ofClass number: Int) -> Int {
    if number < 2 { return (number + 1) * alignmentByteCount }
    let power = number / 2
    return (number % 2 == 0 ? 3 << (power - 1) : 2 << power) * alignmentByteCount
  }
}
