// What a crash may leave, interval by interval: the durable image, and above it any of the atoms that no sync covered.
//
//   sync ─────────────────── calls of one interval ───────────────────▶ sync
//   durable image   +   atoms 0 1 2 │ 3 4 5 6 │ 7 …        a sector of a written unit, or a whole discard
//                       a crash after n calls keeps any subset of the atoms of those calls
//
// Two subsets that leave the same bytes are one image. Only the last surviving write of a sector counts, and a sector
// that is rewritten with what it holds has no choice to make, so the images of an interval are a product:
//
//   Π over sectors (1 + different contents written)  ×  2^discards
//
// Invariants
// 1. The durable image only moves forward, by the calls of one interval at a time; frames are shared, never copied,
//    but for torn units.
// 2. Atoms are numbered in the order of writing, those without a choice included, so that a number means the same at
//    every point of the interval.
// 3. An image's hash is the XOR over its non-zero sectors, so it is computed without building the image.
// 4. Every image an interval can leave at any of its points can be left at its last.

import Primitives
import Storage

/// Walks over the intervals of a recording.
struct CrashImages {
  private let recording: CrashRecording
  private var durable: MemoryDevice
  private var durableHash: UInt64 = 0
  private var sectors: [UInt64: UInt64] = [:]
  private var nextCall = 0
  private var isAtEnd = false

  init(_ recording: CrashRecording) {
    self.recording = recording
    durable = recording.origin.clone()
    let atom = recording.atomByteCount
    let perUnit = durable.transferUnitByteCount / atom
    var found: [(UInt64, UInt64)] = []
    recording.origin.forEachUnit { offset, bytes in
      for index in 0..<perUnit {
        let hash = sectorHash(bytes + index * atom, atom)
        if hash != 0 { found.append((offset + UInt64(index * atom), hash)) }
      }
    }
    for (offset, hash) in found {
      sectors[offset] = hash
      durableHash ^= contribution(offset, hash)
    }
  }

  /// The next interval, nil after the last. There is one more interval than there are syncs.
  mutating func next() -> CrashInterval? {
    if isAtEnd { return nil }
    var end = nextCall
    while end < recording.calls.count {
      if case .sync = recording.calls[end] { break }
      end += 1
    }
    let interval = CrashInterval(
      recording, calls: nextCall..<end, durable: durable, durableHash: durableHash,
      durableSectors: sectors)
    advance(to: end, interval)
    if end == recording.calls.count { isAtEnd = true }
    nextCall = end + 1
    return interval
  }

  /// Makes the calls of an interval durable.
  private mutating func advance(to end: Int, _ interval: CrashInterval) {
    let next = durable.clone()
    let all = Array(interval.atoms.indices)
    interval.apply(all, to: next)
    durableHash = interval.hash(of: all)
    for (offset, hash) in interval.finalSectors() { sectors[offset] = hash == 0 ? nil : hash }
    durable = next
  }
}

/// 0 for zeros, else a hash of the bytes.
private func sectorHash(_ bytes: UnsafeRawPointer, _ byteCount: Int) -> UInt64 {
  ContentHash.isZero(bytes, byteCount) ? 0 : ContentHash.hash(bytes, byteCount) | 1
}

/// What a sector adds to an image's hash.
private func contribution(_ offset: UInt64, _ hash: UInt64) -> UInt64 {
  hash == 0 ? 0 : ContentHash.mix(hash ^ ContentHash.mix(offset))
}

/// One atom: what a crash keeps or drops as one.
struct CrashAtom {
  enum Kind {
    /// A sector of a recorded unit; the site it is at, and its hash.
    case sector(unit: Int, index: Int, site: Int, hash: UInt64)
    /// A discard, and the sites it zeroes.
    case discard(offset: UInt64, byteCount: UInt64, sites: [Int])
  }

  var kind: Kind
  /// The call that wrote it.
  var call: Int
  /// Whether it makes a difference at all.
  var matters = true
}

/// The calls between two syncs and the atoms they wrote.
final class CrashInterval {
  /// The calls; a crash after n calls for n from `calls.lowerBound` to `calls.upperBound` is in this interval.
  let calls: Range<Int>
  /// In the order of writing.
  private(set) var atoms: ContiguousArray<CrashAtom> = []
  /// Atoms to choose among: of each inner list at most one, the last to survive.
  private(set) var slots: [[Int]] = []
  /// Numbers of the atoms that matter.
  private(set) var choices: [Int] = []

  private let recording: CrashRecording
  private let durable: MemoryDevice
  private let durableHash: UInt64
  /// Every sector the interval touches: its offset and durable hash.
  private var siteOffsets: ContiguousArray<UInt64> = []
  private var siteHashes: ContiguousArray<UInt64> = []
  private var current: ContiguousArray<UInt64> = []

  init(
    _ recording: CrashRecording, calls: Range<Int>, durable: MemoryDevice, durableHash: UInt64,
    durableSectors: [UInt64: UInt64]
  ) {
    self.recording = recording
    self.calls = calls
    self.durable = durable
    self.durableHash = durableHash
    collect(durableSectors)
    findChoices()
  }

  // MARK: Atoms

  private func collect(_ durableSectors: [UInt64: UInt64]) {
    var siteOfOffset: [UInt64: Int] = [:]
    func site(_ offset: UInt64) -> Int {
      if let known = siteOfOffset[offset] { return known }
      siteOfOffset[offset] = siteOffsets.count
      siteOffsets.append(offset)
      siteHashes.append(durableSectors[offset] ?? 0)
      return siteOffsets.count - 1
    }
    let atom = recording.atomByteCount
    let perUnit = durable.transferUnitByteCount / atom
    for call in calls {
      switch recording.calls[call] {
      case .sync, .namespace: break
      case .write(let units):
        for unit in units {
          let recorded = recording.units[unit]
          for index in 0..<perUnit {
            let bytes = recorded.frame.map { $0.pointer + recorded.frameOffset + index * atom }
            let hash = bytes.map { sectorHash($0, atom) } ?? 0
            let place = site(recorded.offset + UInt64(index * atom))
            atoms.append(
              CrashAtom(kind: .sector(unit: unit, index: index, site: place, hash: hash), call: call))
          }
        }
      case .discard(let offset, let byteCount):
        let range = offset..<(offset + byteCount)
        // Sectors that hold something, or may by now.
        for held in durableSectors.keys.filter({ range.contains($0) }).sorted() { _ = site(held) }
        let sites = siteOffsets.indices.filter { range.contains(siteOffsets[$0]) }
        atoms.append(
          CrashAtom(kind: .discard(offset: offset, byteCount: byteCount, sites: Array(sites)), call: call))
      }
    }
    current = siteHashes
  }

  /// Drops atoms that change nothing, and puts those of one sector together.
  private func findChoices() {
    var versions = [[(atom: Int, hash: UInt64)]](repeating: [], count: siteOffsets.count)
    var isDiscarded = [Bool](repeating: false, count: siteOffsets.count)
    var isConstant = [Bool](repeating: true, count: siteOffsets.count)
    for (number, atom) in atoms.enumerated() {
      switch atom.kind {
      case .sector(_, _, let site, let hash):
        versions[site].append((number, hash))
        if hash != siteHashes[site] { isConstant[site] = false }
      case .discard(_, _, let sites):
        for site in sites {
          isDiscarded[site] = true
          if siteHashes[site] != 0 { isConstant[site] = false }
        }
      }
    }
    for number in atoms.indices {
      switch atoms[number].kind {
      case .sector(_, _, let site, _): atoms[number].matters = !isConstant[site]
      case .discard(_, _, let sites):
        atoms[number].matters = sites.contains { !isConstant[$0] }
        if atoms[number].matters { slots.append([number]) }
      }
      if atoms[number].matters { choices.append(number) }
    }
    for site in siteOffsets.indices where !isConstant[site] {
      var known: Set<UInt64> = isDiscarded[site] ? [] : [siteHashes[site]]
      var slot: [Int] = []
      for version in versions[site] {
        if !isDiscarded[site] {
          if known.contains(version.hash) { continue }
          known.insert(version.hash)
        }
        slot.append(version.atom)
      }
      if !slot.isEmpty { slots.append(slot) }
    }
  }

  /// How many different images the interval can leave at most; `Int.max` when that is beyond counting.
  var imageCount: Int {
    var product = 1
    for slot in slots {
      let (value, overflow) = product.multipliedReportingOverflow(by: slot.count + 1)
      if overflow { return .max }
      product = value
    }
    return product
  }

  /// The number of atoms that calls before `point` wrote.
  func atomCount(before point: Int) -> Int {
    atoms.firstIndex { $0.call >= point } ?? atoms.count
  }

  /// The atoms of a survivor set for a crash after `point` calls, ascending. Numbers beyond the last are ignored.
  func survivors(_ kind: CrashSurvivors, point: Int) -> [Int] {
    let count = atomCount(before: point)
    switch kind {
    case .none: return []
    case .all: return Array(0..<count)
    case .prefix(let length): return Array(0..<max(0, min(length, count)))
    case .only(let chosen): return Set(chosen).filter { $0 >= 0 && $0 < count }.sorted()
    case .allBut(let dropped):
      let dropped = Set(dropped)
      return (0..<count).filter { !dropped.contains($0) }
    case .seeded(let seed):
      // Up to some atom, each with one half: a crash somewhere in the middle of the interval.
      let random = CounterRandom(seed: seed, stream: 0x6372_6173_68)
      let cut = Int(random.uniform(below: UInt64(count + 1), UInt64.max))
      let end = seed & 1 == 0 ? count : cut
      return (0..<end).filter { random.draw(UInt64($0)) & 1 == 1 }
    }
  }

  // MARK: Images

  /// The hash of the image that these atoms, ascending, leave. Cost: about 10 ns per touched sector.
  func hash(of survivors: [Int]) -> UInt64 {
    for site in siteHashes.indices { current[site] = siteHashes[site] }
    settle(survivors)
    var result = durableHash
    for site in siteHashes.indices where current[site] != siteHashes[site] {
      result ^= contribution(siteOffsets[site], siteHashes[site])
      result ^= contribution(siteOffsets[site], current[site])
    }
    return result
  }

  private func settle(_ survivors: [Int]) {
    for number in survivors {
      switch atoms[number].kind {
      case .sector(_, _, let site, let hash): current[site] = hash
      case .discard(_, _, let sites): for site in sites { current[site] = 0 }
      }
    }
  }

  /// Offsets and hashes of all touched sectors after the interval.
  func finalSectors() -> [(offset: UInt64, hash: UInt64)] {
    for site in siteHashes.indices { current[site] = siteHashes[site] }
    settle(Array(atoms.indices))
    return siteOffsets.indices.map { (siteOffsets[$0], current[$0]) }
  }

  /// The image that these atoms, ascending, leave.
  func image(of survivors: [Int]) -> MemoryDevice {
    let image = durable.clone()
    apply(survivors, to: image)
    return image
  }

  fileprivate func apply(_ survivors: [Int], to image: MemoryDevice) {
    let perUnit = durable.transferUnitByteCount / recording.atomByteCount
    var position = 0
    while position < survivors.count {
      let number = survivors[position]
      switch atoms[number].kind {
      case .discard(let offset, let byteCount, _):
        image.discardUnits(offset: offset, byteCount: byteCount)
        position += 1
      case .sector(let unit, let index, _, _):
        let first = number - index
        var end = position
        while end < survivors.count && survivors[end] < first + perUnit { end += 1 }
        place(unit, firstAtom: first, survivors[position..<end], on: image)
        position = end
      }
    }
  }

  /// Writes the surviving sectors of one recorded unit.
  private func place(_ unit: Int, firstAtom: Int, _ survivors: ArraySlice<Int>, on image: MemoryDevice) {
    let recorded = recording.units[unit]
    let unitByteCount = durable.transferUnitByteCount
    let atom = recording.atomByteCount
    let perUnit = unitByteCount / atom
    // Sectors that never change may come along: then the frame is taken as it is.
    let mattering = (firstAtom..<(firstAtom + perUnit)).reduce(0) { $0 + (atoms[$1].matters ? 1 : 0) }
    let surviving = survivors.reduce(0) { $0 + (atoms[$1].matters ? 1 : 0) }
    if surviving == 0 { return }
    if surviving == mattering {
      image.place(unitAt: recorded.offset, frame: recorded.frame, frameOffset: recorded.frameOffset)
      return
    }
    let torn = image.pool.frame(byteCount: unitByteCount, zeroed: true)
    if let (old, offset) = image.frame(ofUnitAt: recorded.offset) {
      torn.pointer.copyMemory(from: old.pointer + offset, byteCount: unitByteCount)
    }
    for number in survivors {
      let position = (number - firstAtom) * atom
      if let frame = recorded.frame {
        (torn.pointer + position).copyMemory(
          from: frame.pointer + recorded.frameOffset + position, byteCount: atom)
      } else {
        (torn.pointer + position).initializeMemory(as: UInt8.self, repeating: 0, count: atom)
      }
    }
    image.place(unitAt: recorded.offset, frame: torn, frameOffset: 0)
  }
}
