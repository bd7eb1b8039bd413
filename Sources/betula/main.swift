print("betula")
