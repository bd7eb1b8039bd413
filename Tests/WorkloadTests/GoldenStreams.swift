// Golden values of this room: keys, values, draws and streams that must never change, because records on disk were made
// from them.

enum GoldenStreams {
  static let keys: [String] = [
    "96b5dd0dc595e2725949bbd0bdf183dd",
    "d5540ccabee23f158902f7c63357c8de",
    "12da9f95a949bc1df4f854c3875436d7",
    "000000000000003a4df3df0a59612e8c7488bbd0bdf183dd",
    "0000000000000053ae4354d4ff329060a434f7c63357c8de",
    "00000000000002043030303030303030",
  ]
  static let values: [String] = [
    "",
    "d728b56ec8",
    "d728b56ec8a3874fc54e29ab",
    "030000000000000002000000696815ec",
    "030000000000000002000000696815ecc85eb9e4",
    "030000000000000002000000696815ec9a2502524e8d5b6b2cc5e4f7e0dd67749e1f518bc85eb9e4",
  ]
  static let valueSizes: [Int] = [750, 921, 226, 73, 95, 485, 56, 339]
  static let draws: [String: [UInt64]] = [
    "exponential": [
      943, 619, 863, 287, 864, 27, 785, 634, 590, 772, 716, 462, 885, 821, 655, 858, 995, 695, 875, 639,
    ],
    "hotspot": [494, 139, 37, 78, 80, 191, 79, 150, 124, 50, 3, 46, 87, 140, 73, 19, 370, 66, 148, 8],
    "latest": [
      998, 854, 990, 451, 990, 214, 969, 869, 825, 964, 934, 670, 993, 981, 888, 989, 999, 920, 992, 874,
    ],
    "sequential": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
    "uniform": [
      820, 264, 620, 82, 621, 33, 473, 278, 238, 452, 371, 152, 669, 536, 300, 609, 982, 345, 648, 283,
    ],
    "zipf": [
      447, 765, 332, 905, 332, 588, 227, 54, 777, 878, 619, 245, 101, 127, 283, 761, 43, 628, 572, 490,
    ],
    "zipf_ycsb": [
      416, 515, 121, 802, 36, 211, 126, 717, 525, 619, 401, 243, 359, 306, 255, 234, 750, 807, 515, 723,
    ],
  ]
  static let loadIndices: [UInt64] = [
    232, 176, 579, 339, 98, 710, 796, 832, 345, 448, 941, 307, 113, 743, 450, 569, 250, 720, 716, 929,
  ]
  static let mixed: [String] = [
    "get_hit 782 0 0 0",
    "upsert_add 332 1002 8 18117284825754736892",
    "scan 43 0 6 0",
    "range_delete 723 1004 3 18317540572447679733",
    "range_delete 138 1005 3 11261441461567288211",
    "scan 225 0 10 0",
    "upsert_patch 211 1007 5 69",
    "upsert_add 699 1008 8 4332021660022079106",
    "delete 870 1009 0 0",
    "scan 434 0 2 0",
    "upsert_append 265 1011 5 0",
    "delete 160 1012 0 0",
    "scan 992 0 3 0",
    "upsert_append 130 1014 5 0",
    "upsert_add 807 1015 8 15545031219544821770",
    "scan 840 0 3 0",
    "upsert_patch 264 1017 5 0",
    "upsert_patch 447 1018 5 39",
    "upsert_patch 761 1019 5 61",
    "upsert_patch 43 1020 5 5",
  ]
  static let hashes: [String] = ["ad3346d49b2a417f", "08993ea11e2d9f73"]
}
