# Bytes written by cause: load
# Draw again with: gnuplot write_amplification_by_cause_load.gnuplot
# Reads write_amplification_by_cause_load.csv, writes write_amplification_by_cause_load.svg and write_amplification_by_cause_load.png.

data = 'write_amplification_by_cause_load.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set lmargin at screen 0.2600
set rmargin at screen 0.8700
set tmargin at screen 0.8161
set bmargin at screen 0.3362
set yrange [334:0]
set ytics ('null (1 M)' 29, 'append-log (20 k)' 75, 'sorted-file (100 k)' 121, 'sqlite-wal (1 M)' 167, 'sqlite-rollback (200 k)' 213, 'btree (1 M)' 259, 'bepsilon (1 M)' 305) scale 0
set grid xtics noytics
set key off
of(c) = stringcolumn('cause') eq c
set xrange [0:100]
set xtics ('0 %%' 0, '25 %%' 25, '50 %%' 50, '75 %%' 75, '100 %%' 100)
set xlabel 'share of the bytes written by each engine' noenhanced

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,696 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,696 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification_by_cause_load.'.kind
  unset label
  unset object
  set label 1 'Bytes written by cause: load' at screen 0.016, screen 0.9626 left noenhanced font ',22'
  set label 2 '20,000 to 1,000,000 records · batch 1,000 · durability none, prefix, at_checkpoints, each_commit' at screen 0.016, screen 0.9224 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory 1 MiB to 13.8 MiB · seed 5103132997656651 · memory device' at screen 0.016, screen 0.8922 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'wa_total_end' at screen 0.8820, screen 0.8333 left noenhanced font ',15' textcolor rgb '#555555'
  set label 'data' at screen 0.0240, screen 0.2069 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.0240, screen 0.1638 to screen 0.0380, screen 0.1839 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label 'leaf' at screen 0.0460, screen 0.1739 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.1307 to screen 0.0380, screen 0.1509 front fillcolor rgb '#56b4e9' fillstyle solid noborder
  set label 'interior' at screen 0.0460, screen 0.1408 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0977 to screen 0.0380, screen 0.1178 front fillcolor rgb '#5b8c1e' fillstyle solid noborder
  set label 'record' at screen 0.0460, screen 0.1078 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0647 to screen 0.0380, screen 0.0848 front fillcolor rgb '#a3b847' fillstyle solid noborder
  set label 'sorted_run' at screen 0.0460, screen 0.0747 left noenhanced font ',15'
  set object rectangle from screen 0.0240, screen 0.0316 to screen 0.0380, screen 0.0517 front fillcolor rgb '#00395a' fillstyle solid noborder
  set label 'buffer' at screen 0.0460, screen 0.0417 left noenhanced font ',15'
  set object rectangle from screen 0.1570, screen 0.1638 to screen 0.1710, screen 0.1839 front fillcolor rgb '#7f9fc8' fillstyle solid noborder
  set label 'basement' at screen 0.1790, screen 0.1739 left noenhanced font ',15'
  set object rectangle from screen 0.1570, screen 0.1307 to screen 0.1710, screen 0.1509 front fillcolor rgb '#009e73' fillstyle solid noborder
  set label 'checkpoint_leaf' at screen 0.1790, screen 0.1408 left noenhanced font ',15'
  set object rectangle from screen 0.1570, screen 0.0977 to screen 0.1710, screen 0.1178 front fillcolor rgb '#66c4a8' fillstyle solid noborder
  set label 'checkpoint_interior' at screen 0.1790, screen 0.1078 left noenhanced font ',15'
  set label 'log' at screen 0.3680, screen 0.2069 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.3680, screen 0.1638 to screen 0.3820, screen 0.1839 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label 'log' at screen 0.3900, screen 0.1739 left noenhanced font ',15'
  set object rectangle from screen 0.3680, screen 0.1307 to screen 0.3820, screen 0.1509 front fillcolor rgb '#8a6100' fillstyle solid noborder
  set label 'wal_header' at screen 0.3900, screen 0.1408 left noenhanced font ',15'
  set object rectangle from screen 0.3680, screen 0.0977 to screen 0.3820, screen 0.1178 front fillcolor rgb '#f0e442' fillstyle solid noborder
  set label 'wal_frame_header' at screen 0.3900, screen 0.1078 left noenhanced font ',15'
  set object rectangle from screen 0.3680, screen 0.0647 to screen 0.3820, screen 0.0848 front fillcolor rgb '#e69f00' fillstyle solid noborder
  set label 'wal_leaf' at screen 0.3900, screen 0.0747 left noenhanced font ',15'
  set object rectangle from screen 0.3680, screen 0.0316 to screen 0.3820, screen 0.0517 front fillcolor rgb '#f2c14e' fillstyle solid noborder
  set label 'wal_interior' at screen 0.3900, screen 0.0417 left noenhanced font ',15'
  set object rectangle from screen 0.5530, screen 0.1638 to screen 0.5670, screen 0.1839 front fillcolor rgb '#ffc2a0' fillstyle solid noborder
  set label 'journal_header' at screen 0.5750, screen 0.1739 left noenhanced font ',15'
  set object rectangle from screen 0.5530, screen 0.1307 to screen 0.5670, screen 0.1509 front fillcolor rgb '#e8804a' fillstyle solid noborder
  set label 'journal_page' at screen 0.5750, screen 0.1408 left noenhanced font ',15'
  set label 'metadata' at screen 0.7200, screen 0.2069 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.7200, screen 0.1638 to screen 0.7340, screen 0.1839 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label 'superblock' at screen 0.7420, screen 0.1739 left noenhanced font ',15'
  set object rectangle from screen 0.7200, screen 0.1307 to screen 0.7340, screen 0.1509 front fillcolor rgb '#e0a9c8' fillstyle solid noborder
  set label 'space_map' at screen 0.7420, screen 0.1408 left noenhanced font ',15'
  set object rectangle from screen 0.7200, screen 0.0977 to screen 0.7340, screen 0.1178 front fillcolor rgb '#b05a8a' fillstyle solid noborder
  set label 'pending_log' at screen 0.7420, screen 0.1078 left noenhanced font ',15'
  set object rectangle from screen 0.7200, screen 0.0647 to screen 0.7340, screen 0.0848 front fillcolor rgb '#8f4a72' fillstyle solid noborder
  set label 'node_directory' at screen 0.7420, screen 0.0747 left noenhanced font ',15'
  set object rectangle from screen 0.7200, screen 0.0316 to screen 0.7340, screen 0.0517 front fillcolor rgb '#a07cb8' fillstyle solid noborder
  set label 'file_directory' at screen 0.7420, screen 0.0417 left noenhanced font ',15'
  set label 'padding' at screen 0.8870, screen 0.2069 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.8870, screen 0.1638 to screen 0.9010, screen 0.1839 front fillcolor rgb '#bbbbbb' fillstyle solid noborder
  set label 'padding' at screen 0.9090, screen 0.1739 left noenhanced font ',15'
  set label 'no byte written to the counted device' at first 0, first 29 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'
  plot \
    data using (of('leaf') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#0072b2', \
    data using (of('interior') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#56b4e9', \
    data using (of('record') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#5b8c1e', \
    data using (of('sorted_run') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#a3b847', \
    data using (of('buffer') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#00395a', \
    data using (of('basement') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#7f9fc8', \
    data using (of('checkpoint_leaf') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#009e73', \
    data using (of('checkpoint_interior') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#66c4a8', \
    data using (of('log') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#d55e00', \
    data using (of('wal_header') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#8a6100', \
    data using (of('wal_frame_header') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#f0e442', \
    data using (of('wal_leaf') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#e69f00', \
    data using (of('wal_interior') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#f2c14e', \
    data using (of('journal_header') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#ffc2a0', \
    data using (of('journal_page') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#e8804a', \
    data using (of('superblock') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#cc79a7', \
    data using (of('space_map') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#e0a9c8', \
    data using (of('pending_log') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#b05a8a', \
    data using (of('node_directory') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#8f4a72', \
    data using (of('file_directory') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#a07cb8', \
    data using (of('padding') ? column('share_from') : NaN):(column('position')):(column('share_from')):(column('share_to')):(column('position') - 14.0):(column('position') + 14.0) with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb '#bbbbbb', \
    data using (column('from') == 0 ? 100 : NaN):(column('position')):(short(column('total'))) with labels left offset char 0.6,0 noenhanced font ',15'
  unset output
}
