;; One copy of each row, as long as the row, of which the first turn weighs nothing. Results have 12 bytes, copies 60, and
;; changes of a turn 20; memory that was never used is zero.
(data (i32.const 4096) "again")
(func $one_copy_each (param $batch i32) (param $count i32) (result i32)
  (local $result i32) (local $row i32) (local $copy i32) (local $edit i32)
  (local.set $result
    (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.mul (local.get $count) (i32.const 12))))
  (i32.store (i32.const 1216) (local.get $result))
  (i32.store (i32.const 1220) (local.get $count))
  (block $done
    (loop $each
      (br_if $done (i32.ge_u (local.get $row) (local.get $count)))
      (local.set $copy (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 60)))
      (local.set $edit (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 20)))
      ;; Ok, a list of one.
      (i32.store offset=4 (local.get $result) (local.get $copy))
      (i32.store offset=8 (local.get $result) (i32.const 1))
      ;; The old task, another prompt.
      (i32.store offset=12 (local.get $copy) (i32.const 1))
      (i32.store offset=16 (local.get $copy) (i32.const 4096))
      (i32.store offset=20 (local.get $copy) (i32.const 5))
      ;; Reward, success, turns to keep, confidence.
      (i32.store offset=24 (local.get $copy) (i32.const 1))
      (f32.store offset=28 (local.get $copy) (f32.const 1))
      (i32.store8 offset=32 (local.get $copy) (i32.const 1))
      (i32.store8 offset=33 (local.get $copy) (i32.const 1))
      (i32.store offset=36 (local.get $copy) (i32.const 1))
      (i32.store offset=40 (local.get $copy) (call $turns (local.get $batch) (local.get $row)))
      (i32.store offset=44 (local.get $copy) (i32.const 1))
      (f32.store offset=48 (local.get $copy) (f32.const 0.5))
      ;; The weight of turn 0, where there is one.
      (i32.store offset=52 (local.get $copy) (local.get $edit))
      (i32.store offset=56 (local.get $copy)
        (i32.ne (call $turns (local.get $batch) (local.get $row)) (i32.const 0)))
      (i32.store offset=12 (local.get $edit) (i32.const 1))
      (f32.store offset=16 (local.get $edit) (f32.const 0))
      (local.set $result (i32.add (local.get $result) (i32.const 12)))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br $each)))
  (i32.const 1216))
;; The copy of a row.
(func $copy_of (param $row i32) (result i32)
  (i32.load offset=4 (i32.add (i32.load (i32.const 1216)) (i32.mul (local.get $row) (i32.const 12)))))
