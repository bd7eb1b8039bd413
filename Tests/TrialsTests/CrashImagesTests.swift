// Goal: the images of an interval are exactly those a device may leave: all of them, each once, with the right bytes.
// Method: small recordings of writes, rewrites, discards and syncs; every subset of atoms is built by the fault device
// and by the laboratory, and both sets of images are compared byte by byte through their hashes.

import Accounting
import Primitives
import Storage
import Testing

@testable import Trials

@Suite struct CrashImagesTests {
  private static let unit = 512
  private static let atom = 128

  /// Random calls on both devices.
  private static func record(seed: UInt64, callCount: Int) throws -> (CrashRecorder, FaultDevice) {
    let random = CounterRandom(seed: seed, stream: 9)
    let memories = (0..<2).map { _ in MemoryDevice(capacityByteCount: 8_192, transferUnitByteCount: unit) }
    for memory in memories {
      let frame = Frame(byteCount: unit)
      frame.mutableBytes[3] = 77
      try IOChannel(device: memory).write(frame, at: 512, cause: .leaf)
    }
    let recorder = CrashRecorder(base: memories[0], memory: memories[0], atomByteCount: atom)
    let fault = FaultDevice(base: memories[1], memory: memories[1], atomByteCount: atom)
    for call in 0..<callCount {
      let draw = random.draw(UInt64(call))
      let offset = (draw >> 8) % 4 * 512
      for device in [recorder as any BlockDevice, fault] {
        let channel = IOChannel(device: device)
        switch draw % 8 {
        case 0: try channel.control(.discard(offset: offset, byteCount: 1_024, cause: .leaf))
        case 1 where call > 4: try channel.control(.sync(cause: .leaf))
        default:
          let frame = Frame(byteCount: unit)
          // One or two atoms of four are not zero, some writes repeat what is there.
          frame.mutableBytes[Int(draw >> 20) % 512] = UInt8(draw >> 40 & 3)
          frame.mutableBytes[Int(draw >> 30) % 512] = UInt8(draw >> 44 & 3)
          try channel.write(frame, at: offset, cause: .leaf)
        }
      }
    }
    return (recorder, fault)
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func theLastIntervalIsWhatTheFaultDeviceSays(seed: UInt64) throws {
    let (recorder, fault) = try Self.record(seed: seed, callCount: 3 + Int(seed % 3))
    var images = CrashImages(recorder.recording)
    var last: CrashInterval?
    while let interval = images.next() { last = interval }
    let interval = try #require(last)
    #expect(interval.atoms.count == fault.unsyncedAtomCount)
    // Every subset, by the fault device; beyond 2^12 a sample of them.
    var expected: Set<UInt64> = []
    let atomCount = interval.atoms.count
    let isWhole = atomCount <= 12
    for subset in 0..<(1 << min(12, atomCount)) {
      let bits = isWhole ? UInt64(subset) : CounterRandom(seed: seed, stream: 2).draw(UInt64(subset))
      let chosen = (0..<atomCount).filter { bits >> UInt64($0) & 1 == 1 }
      let image = fault.crash(survivors: .only(chosen))
      expected.insert(image.contentHash())
      let own = interval.image(of: chosen)
      #expect(own.contentHash() == image.contentHash(), "atoms \(chosen), seed \(seed)")
    }
    // Every choice of the laboratory: all different, by both hashes.
    guard interval.imageCount <= 1 << 12 else { return }
    var contents: Set<UInt64> = []
    var hashes: Set<UInt64> = []
    var digits = [Int](repeating: 0, count: interval.slots.count)
    var count = 0
    while true {
      let chosen = zip(interval.slots, digits).compactMap { $1 > 0 ? $0[$1 - 1] : nil }.sorted()
      contents.insert(interval.image(of: chosen).contentHash())
      hashes.insert(interval.hash(of: chosen))
      count += 1
      guard let slot = digits.indices.first(where: { digits[$0] < interval.slots[$0].count }) else { break }
      for lower in 0..<slot { digits[lower] = 0 }
      digits[slot] += 1
    }
    #expect(count == interval.imageCount)
    #expect(hashes.count == contents.count)
    if isWhole { #expect(contents == expected) } else { #expect(expected.isSubset(of: contents)) }
    let hasDiscard = interval.atoms.contains { if case .discard = $0.kind { true } else { false } }
    if !hasDiscard { #expect(contents.count == interval.imageCount, "an image was made twice") }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func theDurableImageMovesOn(seed: UInt64) throws {
    let (recorder, fault) = try Self.record(seed: seed, callCount: 60)
    var images = CrashImages(recorder.recording)
    var callCount = 0
    while let interval = images.next() {
      #expect(interval.calls.lowerBound == callCount)
      callCount = interval.calls.upperBound + 1
      for kind in [CrashSurvivors.none, .all, .seeded(seed), .prefix(3)] {
        let chosen = interval.survivors(kind, point: interval.calls.upperBound)
        // Two images have equal hashes when they have equal bytes.
        let image = interval.image(of: chosen)
        let fresh = CrashImages(
          CrashRecording(origin: image, atomByteCount: Self.atom))
        var only = fresh
        #expect(only.next()?.hash(of: []) == interval.hash(of: chosen))
      }
      if interval.calls.upperBound == recorder.recording.calls.count {
        #expect(interval.image(of: []).contentHash() == fault.crash(survivors: .none).contentHash())
        let all = interval.survivors(.all, point: interval.calls.upperBound)
        #expect(interval.image(of: all).contentHash() == fault.crash(survivors: .all).contentHash())
      }
    }
    #expect(callCount == recorder.recording.calls.count + 1)
  }

  @Test func numbersAndSurvivorsAreReadBack() {
    for numbers in [[], [0], [1, 2, 3], [0, 2, 3, 9], [5, 6]] {
      #expect(readNumbers(spelledNumbers(numbers)) == numbers)
    }
    #expect(spelledNumbers([0, 2, 3, 4, 9]) == "0,2-4,9")
    for text in ["1-", "a", "3-1", "1,,2", "1-2-3"] { #expect(readNumbers(text) == nil, "\(text)") }
    let kinds: [CrashSurvivors] = [
      .none, .all, .prefix(4), .only([1, 2, 7]), .allBut([3]), .seeded(99), .only([]),
    ]
    for kind in kinds { #expect(CrashSurvivors(spelling: kind.spelling) == kind) }
    for text in ["", "some", "only", "none:1", "prefix:x", "seeded:-1"] {
      #expect(CrashSurvivors(spelling: text) == nil, "\(text)")
    }
    for text in [
      "life fail@3 errno=5", "loss lost-unit@7 unit=3", "reading flip@9 bit=4", "rot 8192 17",
      "capacity 4096",
    ] {
      #expect(FaultCase(parsing: text)?.description == text)
    }
    for text in ["", "rot 1", "life", "capacity x", "rot 1 -4"] { #expect(FaultCase(parsing: text) == nil) }
  }
}
