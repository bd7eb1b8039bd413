// The pool that frames come from: slabs of at least 2 MiB with huge-page advice, cut into size classes.
//
//   slab (2 MiB …, from the system)   │ class 4 KiB │ 4 KiB │ 4 KiB │ … never used yet (zero) …
//                                       ▲ in use      ▲ free list of the class
//
//   classes: 1, 2, 3, 4, 6, 8, 12, 16, 24 … × 4 KiB: a frame wastes at most a third of its class
//   reserve: memory that is there already; slabs of every class are cut from it before the system is asked
//
// Invariants
// 1. live + free + never used bytes + tails too small for a frame = slab bytes, per class; with the reserve they are all bytes
//    taken from the system.
// 2. Memory never used before is zero, so a zeroed frame costs no writing the first time.
// 3. Every frame that is handed out holds the pool; the slabs go back to the system when pool and last frame are gone.
// 4. A frame that waits to be handed out again has one holder, the pool, and does not hold it.

import CSystem
import Primitives

/// What a pool holds.
public struct FramePoolStatistics: Equatable, Sendable {
  /// Frames handed out and not given back.
  public var liveFrameCount = 0
  /// Bytes of their size classes.
  public var liveByteCount = 0
  /// Bytes in free lists.
  public var freeByteCount = 0
  /// Bytes taken from the system, those of the reserve included.
  public var slabByteCount = 0
  /// Bytes prepared and not yet part of a class.
  public var reserveByteCount = 0
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
    /// Whole frames of the class's size that wait: handed out again without making an object.
    var waiting: ContiguousArray<Frame> = []
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
    /// Prepared memory that no class has yet.
    var reserve = Slab(start: 0, byteCount: 0)
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
    let isWhole = byteCount == classByteCount
    let taken = state.withLock { state -> Taken in
      if isWhole, let frame = Self.takeWaiting(number, from: &state) { return .frame(frame) }
      let (address, isFresh) = Self.take(number, classByteCount, from: &state)
      return .memory(address: address, isFresh: isFresh)
    }
    let frame: Frame
    var isZero = false
    switch taken {
    case .frame(let waiting):
      waiting.pool = self
      frame = waiting
    case .memory(let address, let isFresh):
      guard let pointer = UnsafeMutableRawPointer(bitPattern: address) else {
        preconditionFailure("A slab does not begin at address zero.")
      }
      frame = Frame(pointer: pointer, byteCount: byteCount, pool: self, sizeClass: number)
      isZero = isFresh
    }
    if zeroed {
      if !isZero { frame.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount) }
    } else if scribbles {
      frame.pointer.initializeMemory(as: UInt8.self, repeating: 0xDB, count: byteCount)
    }
    return frame
  }

  /// A frame that waited, or memory for one.
  private enum Taken {
    case frame(Frame)
    case memory(address: UInt, isFresh: Bool)
  }

  private static func takeWaiting(_ number: Int, from state: inout State) -> Frame? {
    guard number < state.classes.count, let frame = state.classes[number].waiting.popLast() else {
      return nil
    }
    state.handedOutCount &+= 1
    state.classes[number].liveFrameCount += 1
    // The object of the one after it, which is asked for soon.
    let last = state.classes[number].waiting.count - 1
    if last >= 0 {
      state.classes[number].waiting.withUnsafeBytes { objects in
        let word = objects.load(fromByteOffset: last * MemoryLayout<Frame>.stride, as: UInt.self)
        if let object = UnsafeRawPointer(bitPattern: word) { betula_prefetch(object) }
      }
    }
    return frame
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
      var slab = (max(wanted, byteCount) + slabByteCount - 1) / slabByteCount * slabByteCount
      let start: UInt
      if state.reserve.byteCount >= byteCount {
        slab = min(slab, state.reserve.byteCount)
        start = state.reserve.start
        state.reserve.start += UInt(slab)
        state.reserve.byteCount -= slab
      } else {
        start = UInt(bitPattern: SystemMemory.map(byteCount: slab))
        state.slabs.append(Slab(start: start, byteCount: slab))
      }
      state.classes[number].slabByteCount += slab
      state.classes[number].unusedStart = start
      state.classes[number].unusedByteCount = slab
    }
    let address = state.classes[number].unusedStart
    state.classes[number].unusedStart += UInt(byteCount)
    state.classes[number].unusedByteCount -= byteCount
    return (address, true)
  }

  /// Takes memory for so many bytes of frames from the system now, in one piece, and touches it: later frames cost neither a
  /// system call nor a page fault, whatever their sizes, until it is used up. For a pool that has not given out any yet.
  public func prepare(byteCount: Int) {
    let slab = (byteCount + Self.slabByteCount - 1) / Self.slabByteCount * Self.slabByteCount
    if slab == 0 { return }
    state.withLock { state in
      precondition(state.slabs.isEmpty, "A pool is prepared once, before it gives out frames.")
      let start = SystemMemory.map(byteCount: slab)
      // A zero in each of the processor's smallest pages: the memory stays as it was, and is there.
      for offset in stride(from: 0, to: slab, by: Self.alignmentByteCount) {
        start.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
      }
      state.slabs.append(Slab(start: UInt(bitPattern: start), byteCount: slab))
      state.reserve = Slab(start: UInt(bitPattern: start), byteCount: slab)
    }
  }

  /// Lets go of a frame. When the caller was its last holder and it came from a pool, the frame waits there as it is.
  static func release(_ holder: inout Frame?) {
    if isKnownUniquelyReferenced(&holder), let pool = Self.detach(holder) { pool.wait(&holder) }
    holder = nil
  }

  /// The pool that a frame with one holder may wait in.
  private static func detach(_ frame: borrowing Frame?) -> FramePool? {
    guard let frame = copy frame, let pool = frame.pool,
      frame.byteCount == byteCount(ofClass: frame.sizeClass)
    else { return nil }
    // Who read it on another thread is done with it.
    betula_mark_acquire(frame.pointer)
    frame.pool = nil
    return pool
  }

  private func wait(_ holder: inout Frame?) {
    state.withLock { state in
      guard let frame = holder.take() else { return }
      let number = frame.sizeClass
      state.classes[number].liveFrameCount -= 1
      state.classes[number].waiting.append(frame)
    }
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
        result.freeByteCount += (sizeClass.free.count + sizeClass.waiting.count) * byteCount
        result.slabByteCount += sizeClass.slabByteCount
      }
      result.handedOutCount = state.handedOutCount
      result.reserveByteCount = state.reserve.byteCount
      result.slabByteCount += state.reserve.byteCount
      return result
    }
  }

  static func byteCount(ofClass number: Int) -> Int {
    if number < 2 { return (number + 1) * alignmentByteCount }
    let power = number / 2
    return (number % 2 == 0 ? 3 << (power - 1) : 2 << power) * alignmentByteCount
  }
}
