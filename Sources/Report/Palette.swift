// Colours that mean the same in every figure and can be told apart by colour-blind readers.
//
// Invariants
// 1. A known engine and a cause have one fixed colour in every record.
// 2. One or two labels that go on from an engine's name (`btree-log`) have shades of that engine's colour; more of them could
//    not be told apart.
// 3. Other labels take the free colours in the order of their hash: the same labels give the same colours.
//
// Source: Okabe and Ito, "Color Universal Design", 2008, the eight-colour palette.

import Accounting

/// A colour, 0xRRGGBB.
struct Colour: Hashable {
  var value: UInt32

  /// `#rrggbb`.
  var hexadecimal: String {
    let digits = String(value, radix: 16)
    return "#" + String(repeating: "0", count: 6 - digits.utf8.count) + digits
  }

  /// The colour mixed with white; 0 leaves it, 1 is white.
  func tinted(_ share: Double) -> Colour { mixed(with: 255, share) }

  /// The colour mixed with black; 0 leaves it, 1 is black.
  func shaded(_ share: Double) -> Colour { mixed(with: 0, share) }

  private func mixed(with other: Double, _ share: Double) -> Colour {
    var result: UInt32 = 0
    for shift in [UInt32(16), 8, 0] {
      let part = Double((value >> shift) & 255)
      result |= UInt32(part + (other - part) * share + 0.5) << shift
    }
    return Colour(value: result)
  }
}

/// Which colour stands for what.
enum Palette {
  static let black = Colour(value: 0x000000)
  static let orange = Colour(value: 0xE69F00)
  static let skyBlue = Colour(value: 0x56B4E9)
  static let green = Colour(value: 0x009E73)
  static let yellow = Colour(value: 0xF0E442)
  static let blue = Colour(value: 0x0072B2)
  static let vermilion = Colour(value: 0xD55E00)
  static let purple = Colour(value: 0xCC79A7)
  static let grey = Colour(value: 0x999999)

  /// Labels whose colour never changes.
  private static let fixed: [String: Colour] = [
    "null": grey, "append-log": green, "sorted-file": purple, "sqlite": blue, "sqlite-wal": blue,
    "sqlite-rollback": skyBlue, "btree": vermilion, "bepsilon": orange, "lsm": black,
  ]

  /// Shades of an engine's colour that can be told apart by their lightness alone, in order of use.
  private static func shades(of colour: Colour) -> [Colour] {
    [colour, colour.shaded(0.45), colour.tinted(0.45)]
  }

  /// The engine a label begins with, when it goes on behind a dash.
  private static func family(of label: String) -> String? {
    fixed.keys.filter { label.hasPrefix($0 + "-") }.max { $0.utf8.count < $1.utf8.count }
  }

  /// What other labels choose from, free ones first.
  private static let choices = [vermilion, orange, skyBlue, black, yellow, green, purple, blue, grey]

  /// A colour for each label.
  static func colours(of labels: [String]) -> [String: Colour] {
    var result: [String: Colour] = [:]
    var used: Set<Colour> = []
    for label in labels {
      if let colour = fixed[label] {
        result[label] = colour
        used.insert(colour)
      }
    }
    let others = Set(labels.filter { fixed[$0] == nil })
    let families = Dictionary(grouping: others.sorted()) { family(of: $0) ?? "" }
    for (name, members) in families.sorted(by: { $0.key < $1.key }) where members.count <= 2 {
      guard let base = fixed[name] else { continue }
      for label in members {
        guard let colour = shades(of: base).first(where: { !used.contains($0) }) else { continue }
        result[label] = colour
        used.insert(colour)
      }
    }
    let strangers = others.filter { result[$0] == nil }.sorted { (hash($0), $0) < (hash($1), $1) }
    for label in strangers {
      let start = Int(hash(label) % UInt64(choices.count))
      let order = (0..<choices.count).map { choices[(start + $0) % choices.count] }
      let colour = order.first { !used.contains($0) } ?? order[0]
      result[label] = colour
      used.insert(colour)
    }
    return result
  }

  /// A colour for each series: its label's, paler for each further variation of the label.
  static func colours(of series: [SeriesID]) -> [SeriesID: Colour] {
    let bases = colours(of: series.map(\.label))
    var counts: [String: Int] = [:]
    for id in series { counts[id.label, default: 0] += 1 }
    var seen: [String: Int] = [:]
    var result: [SeriesID: Colour] = [:]
    for id in series {
      let place = seen[id.label, default: 0]
      seen[id.label] = place + 1
      let total = max(1, (counts[id.label] ?? 1) - 1)
      result[id] = (bases[id.label] ?? grey).tinted(0.65 * Double(place) / Double(total))
    }
    return result
  }

  /// FNV-1a over the label's bytes: stable, unlike the standard library's seeded hash.
  static func hash(_ label: String) -> UInt64 {
    label.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }

  /// A cause's colour, its own. Trees are blue, files and checkpoints green, LSM tables teal; logs are warm,
  /// metadata purple, padding grey.
  static func colour(of cause: Cause) -> Colour {
    switch cause {
    case .leaf: blue
    case .interior: skyBlue
    case .overflow: Colour(value: 0xA9D8F5)
    case .buffer: Colour(value: 0x00395A)
    case .basement: Colour(value: 0x7F9FC8)
    case .record: Colour(value: 0x5B8C1E)
    case .sortedRun: Colour(value: 0xA3B847)
    case .flush: Colour(value: 0x7AD1DB)
    case .compaction: Colour(value: 0x1290A5)
    case .filter: Colour(value: 0xB9E6EC)
    case .tableIndex: Colour(value: 0x0B5A66)
    case .freeList: Colour(value: 0xC9D3DC)
    case .databaseHeader: Colour(value: 0x5E7F99)
    case .checkpointLeaf: green
    case .checkpointInterior: Colour(value: 0x66C4A8)
    case .checkpointOverflow: Colour(value: 0xA8DFCF)
    case .checkpointOther: Colour(value: 0xD2F0E7)
    case .log: vermilion
    case .walLeaf: orange
    case .walInterior: Colour(value: 0xF2C14E)
    case .walOverflow: Colour(value: 0xF7DFA0)
    case .walOther: Colour(value: 0xFBEFD0)
    case .walHeader: Colour(value: 0x8A6100)
    case .walFrameHeader: yellow
    case .journalPage: Colour(value: 0xE8804A)
    case .journalHeader: Colour(value: 0xFFC2A0)
    case .superblock: purple
    case .spaceMap: Colour(value: 0xE0A9C8)
    case .pendingLog: Colour(value: 0xB05A8A)
    case .nodeDirectory: Colour(value: 0x8F4A72)
    case .manifest: Colour(value: 0xF0D0E2)
    case .guestOther: Colour(value: 0x5E3A57)
    case .fileDirectory: Colour(value: 0xA07CB8)
    case .verification: black
    case .padding: Colour(value: 0xBBBBBB)
    }
  }
}
