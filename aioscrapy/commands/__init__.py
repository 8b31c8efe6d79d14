"""The commands of `aioscrapy`, one file each."""
