// Goal: a pool never gives one piece of memory to two holders, and gives zero when zero is asked for.
// Method: every size class, random alloc/free with a canary pattern per frame, threads, and the shared-write rule.

import CSystem
import Primitives
import Testing

@testable import Storage

@Suite struct FrameTests {
  @Test func sizeClassesCoverEverySizeAndWasteAtMostAThird() {
    var previous = 0
    for units in 1...5_000 {
      let byteCount = units * 4_096
      let (number, classByteCount) = FramePool.sizeClass(for: byteCount)
      #expect(classByteCount >= byteCount)
      #expect(FramePool.byteCount(ofClass: number) == classByteCount)
      #expect(number >= previous)
      #expect((classByteCount - byteCount) * 3 <= classByteCount)
      previous = number
    }
    #expect(FramePool.sizeClass(for: 1).byteCount == 4_096)
  }

  @Test func framesAreAlignedZeroedAndReturned() {
    let pool = FramePool(scribbles: true)
    for byteCount in [1, 4_096, 5_000, 65_536, 1 << 20, 5 << 20] {
      let frame = pool.frame(byteCount: byteCount)
      #expect(UInt(bitPattern: frame.pointer) % 4_096 == 0)
      #expect(frame.byteCount == byteCount)
      #expect(frame.bytes.allSatisfy { $0 == 0xDB })
    }
    #expect(pool.statistics.liveFrameCount == 0)
    for byteCount in [1, 4_096, 5_000, 65_536, 1 << 20, 5 << 20] {
      let frame = pool.frame(byteCount: byteCount, zeroed: true)
      #expect(frame.bytes.allSatisfy { $0 == 0 })
    }
    let statistics = pool.statistics
    #expect(statistics.handedOutCount == 12)
    #expect(statistics.liveByteCount == 0)
    #expect(statistics.freeByteCount <= statistics.slabByteCount)
  }

  @Test(arguments: [UInt64(7), 8, 9]) func noMemoryIsHeldTwice(seed: UInt64) {
    var random = TestRandom(seed: seed)
    let pool = FramePool()
    var frames: [(frame: Frame, canary: UInt64)] = []
    for step in 0..<5_000 {
      if frames.count < 100 && random.below(5) > 1 {
        let frame = pool.frame(byteCount: (random.below(20) + 1) * 4_096)
        let canary = UInt64(step) &* 0x1234_5678_9ABC_DEF1
        frame.pointer.storeBytes(of: canary, as: UInt64.self)
        (frame.pointer + frame.byteCount - 8).storeBytes(of: canary, as: UInt64.self)
        frames.append((frame, canary))
      } else if !frames.isEmpty {
        let (frame, canary) = frames.remove(at: random.below(frames.count))
        #expect(frame.pointer.load(as: UInt64.self) == canary)
        #expect((frame.pointer + frame.byteCount - 8).load(as: UInt64.self) == canary)
      }
      #expect(pool.statistics.liveFrameCount == frames.count)
    }
  }

  @Test func threadsShareAPool() async {
    let pool = FramePool()
    let broken = await withTaskGroup(of: Int.self) { group in
      for worker in 0..<4 {
        group.addTask {
          var broken = 0
          for step in 0..<2_000 {
            let frame = pool.frame(byteCount: 4_096 * (1 + step % 3))
            let mark = UInt64(worker) << 32 | UInt64(step)
            frame.pointer.storeBytes(of: mark, as: UInt64.self)
            if frame.pointer.load(as: UInt64.self) != mark { broken += 1 }
          }
          return broken
        }
      }
      return await group.reduce(0, +)
    }
    #expect(broken == 0)
    #expect(pool.statistics.liveFrameCount == 0)
    #expect(pool.statistics.handedOutCount == 8_000)
  }

  /// Prepared memory serves frames of every size before the system is asked again, and is zero.
  @Test func preparedMemoryServesEverySize() {
    let pool = FramePool()
    pool.prepare(byteCount: 63 << 20)
    #expect(pool.statistics.slabByteCount == 64 << 20 && pool.statistics.reserveByteCount == 64 << 20)
    var frames: [Frame] = []
    for byteCount in [4_096, 12_288, 180_000, 262_144, 700_000, 1 << 20, 5 << 20] {
      for _ in 0..<2 { frames.append(pool.frame(byteCount: byteCount, zeroed: true)) }
    }
    #expect(pool.statistics.slabByteCount == 64 << 20)
    for frame in frames {
      #expect(frame.bytes.allSatisfy { $0 == 0 })
    }
    // What is prepared is used up, and then the system is asked.
    for _ in 0..<8 { frames.append(pool.frame(byteCount: 8 << 20)) }
    let statistics = pool.statistics
    #expect(statistics.slabByteCount > 64 << 20 && statistics.reserveByteCount == 0)
    #expect(statistics.liveFrameCount == frames.count)
  }

  @Test func framesThatADeviceLetsGoWaitWhole() {
    weak var gone: FramePool?
    do {
      let pool = FramePool(scribbles: true)
      gone = pool
      var addresses: Set<UInt> = []
      for round in 0..<50 {
        var holder: Frame? = pool.frame(byteCount: 4_096, zeroed: round % 2 == 0)
        #expect(pool.statistics.liveFrameCount == 1)
        if let frame = holder {
          #expect(frame.bytes.allSatisfy { $0 == (round % 2 == 0 ? 0 : 0xDB) })
          addresses.insert(UInt(bitPattern: frame.pointer))
          frame.pointer.storeBytes(of: 7, toByteOffset: 4_095, as: UInt8.self)
        }
        FramePool.release(&holder)
        #expect(holder == nil)
        #expect(pool.statistics.liveFrameCount == 0)
        #expect(pool.statistics.freeByteCount == 4_096)
      }
      #expect(addresses.count == 1)
      #expect(pool.statistics.handedOutCount == 50)
      // A frame with another holder does not wait, and one of part of a class does not either.
      let kept = pool.frame(byteCount: 4_096)
      var second: Frame? = kept
      FramePool.release(&second)
      #expect(pool.statistics.liveFrameCount == 1)
      var part: Frame? = pool.frame(byteCount: 5_000)
      FramePool.release(&part)
      #expect(pool.statistics.liveFrameCount == 1)
      withExtendedLifetime(kept) {}
    }
    // Frames that wait do not keep their pool.
    #expect(gone == nil)
  }

  @Test func aCopyPastTheCachesIsACopy() {
    var random = TestRandom(seed: 31)
    let source = Frame(byteCount: 65_536)
    let target = Frame(byteCount: 65_536)
    for byte in source.mutableBytes.indices { source.mutableBytes[byte] = UInt8(random.below(256)) }
    for byteCount in [64, 128, 4_096, 65_472] {
      target.pointer.initializeMemory(as: UInt8.self, repeating: 0xEE, count: 65_536)
      betula_copy_past_caches(target.pointer + 64 * (byteCount == 65_472 ? 1 : 0), source.pointer, byteCount)
      let start = byteCount == 65_472 ? 64 : 0
      #expect(target.bytes[start..<(start + byteCount)].elementsEqual(source.bytes[..<byteCount]))
      #expect(target.bytes[(start + byteCount)...].allSatisfy { $0 == 0xEE })
    }
  }

  @Test func aSharedFrameIsCopiedBeforeItIsWritten() {
    let pool = FramePool()
    var frame = pool.frame(byteCount: 4_096, zeroed: true)
    #expect(!Frame.makeExclusive(&frame, pool: pool))
    let other = frame
    #expect(Frame.makeExclusive(&frame, pool: pool))
    #expect(frame !== other)
    frame.mutableBytes[0] = 1
    #expect(other.bytes[0] == 0)
  }
}
