// Colours that mean the same in every figure and can be told apart by colour-blind readers.
//
// Invariants
// 1. A known engine and a cause have one fixed colour in every record.
// 2. Other labels take the free colours in the order of their hash: the same labels give the same colours.
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
  func tinted(_ share: Double) -> Colour {
    var result: UInt32 = 0
    for shift in [UInt32(16), 8, 0] {
      let part = Double((value >> shift) & 255)
      result |= UInt32(part + (255 - part) * share + 0.5) << shift
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
    "sqlite-rollback": skyBlue, "btree": vermilion, "b-tree": vermilion, "bepsilon": orange,
    "bepsilon-tree": orange, "b-epsilon-tree": orange, "lsm": black, "lsm-tree": black,
  ]

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
    let others = Set(labels.filter { fixed[$0] == nil }).sorted { (hash($0), $0) < (hash($1), $1) }
    for label in others {
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

  /// A cause's colour: blues and greens hold data, warm colours logs, purples metadata, grey padding. The two
  /// names of a page written twice (log and checkpoint) differ in hue, not in shade alone.
  static func colour(of cause: Cause) -> Colour {
    switch cause {
    case .leaf: blue
    case .interior: skyBlue
    case .overflow: skyBlue.tinted(0.5)
    case .record: green
    case .sortedRun: green.tinted(0.35)
    case .flush: green.tinted(0.2)
    case .compaction: blue.tinted(0.3)
    case .filter: green.tinted(0.6)
    case .tableIndex: skyBlue.tinted(0.3)
    case .buffer: Colour(value: 0x004C77)
    case .basement: blue.tinted(0.55)
    case .freeList: green.tinted(0.7)
    case .databaseHeader: green.tinted(0.45)
    case .checkpointLeaf: green
    case .checkpointInterior: green.tinted(0.4)
    case .checkpointOverflow: green.tinted(0.65)
    case .checkpointOther: green.tinted(0.8)
    case .log: vermilion
    case .walLeaf: vermilion
    case .walInterior: orange
    case .walOverflow: orange.tinted(0.4)
    case .walOther: orange.tinted(0.65)
    case .walHeader: yellow.tinted(0.4)
    case .walFrameHeader: yellow
    case .journalPage: vermilion.tinted(0.25)
    case .journalHeader: yellow.tinted(0.6)
    case .superblock: purple
    case .spaceMap: purple.tinted(0.3)
    case .pendingLog: purple.tinted(0.5)
    case .nodeDirectory: Colour(value: 0x8F4A72)
    case .manifest: purple.tinted(0.65)
    case .guestOther: Colour(value: 0x5E3A57)
    case .fileDirectory: Colour(value: 0x8F4A72)
    case .verification: black
    case .padding: grey.tinted(0.3)
    }
  }
}
